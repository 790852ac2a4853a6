# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A unit's status while its LXD does not answer. A refused request does not count as that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

import deadlines
from lxd.api import LxdApi
from lxd.errors import LxdUnreachable
from lxd.http import Request, Response
from plan.recovery.unresponsive import is_unresponsive_for_long
from state.cluster import ClusterView
from state.unresponsive import Unresponsive, UnresponsiveReason
from tests.lxd_model.cloud import Fault
from tests.lxd_model.generations import NAMES
from tests.lxd_model.other_ports import PassingPort
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import fail, leaving, names, the_cluster, with_instance, without
from values.interface import Interface

LONG = deadlines.UNRESPONSIVE + 1


def stopped(app: ModelApp) -> None:
    app.units["lxd/2"].server.kill_daemon()


def frozen(app: ModelApp) -> None:
    app.units["lxd/2"].server.freeze()


def alone(app: ModelApp) -> None:
    for name in ("lxd/0", "lxd/1"):
        app.units[name].server.power_off()


def started_alone(app: ModelApp) -> None:
    alone(app)
    app.units["lxd/2"].server.restart()
    app.cloud.now += 60


def other_versions(app: ModelApp) -> None:
    server = app.units["lxd/2"].server
    server.kill_daemon()
    server.version = "6.10"
    server.start_daemon()
    app.cloud.now += 60
    app.units["lxd/2"].machine.log = "Wait for other cluster members to align their versions"


Deed = Callable[[ModelApp], None]
NO_QUORUM = "waiting: LXD's database has no quorum: bring members back or run recover-quorum"
SILENT: list[tuple[Deed, UnresponsiveReason, str, str]] = [
    (
        stopped,
        UnresponsiveReason.STOPPED,
        "blocked: LXD is not running here: snap start lxd, or see snap logs lxd",
        "blocked: LXD is not running here: snap start lxd, or see snap logs lxd",
    ),
    (
        frozen,
        UnresponsiveReason.HUNG,
        "waiting: for LXD, which does not answer",
        "waiting: LXD hangs: snap restart --reload lxd; docs: How to recover",
    ),
    (
        alone,
        UnresponsiveReason.NO_DATABASE,
        "waiting: for LXD's database, which does not answer",
        NO_QUORUM,
    ),
    (started_alone, UnresponsiveReason.STARTING, "waiting: for LXD, which is starting", NO_QUORUM),
    (
        other_versions,
        UnresponsiveReason.OTHER_VERSIONS,
        "waiting: for LXD 6.10 on lxd/0 (5.21.7), lxd/1 (5.21.7)",
        "waiting: for LXD 6.10 on lxd/0 (5.21.7), lxd/1 (5.21.7)",
    ),
]


@pytest.mark.parametrize(
    ("deed", "kind", "first", "later"), SILENT, ids=[deed.__name__ for deed, *_ in SILENT]
)
def test_each_kind_of_silence_has_its_status_and_advice_only_where_it_lasts(
    deed: Deed, kind: UnresponsiveReason, first: str, later: str
):
    app = formed(3)
    deed(app)

    view = app.view("lxd/2")
    assert isinstance(view.lxd, Unresponsive)
    assert view.lxd.reason is kind
    assert str(app.hook("lxd/2").status) == first

    app.cloud.now += LONG
    assert str(app.hook("lxd/2").status) == later


@pytest.mark.parametrize(
    ("log", "why"),
    [
        ("Unvailable storage pools: [fast]", "the pool fast: bring it back"),
        (
            "Failed loading storage pool \"local\": Required tool 'zpool' is missing",
            "tools for zfs: snap set lxd zfs.external=true",
        ),
    ],
)
def test_a_daemon_that_ends_after_an_upgrade_without_a_pool(log: str, why: str):
    app = formed(3)
    stopped(app)
    app.units["lxd/2"].machine.log = log

    status = str(app.hook("lxd/2").status)

    assert status == f"blocked: LXD cannot start without {why}"


def test_a_daemon_that_cannot_load_its_database_says_so():
    app = formed(3)
    stopped(app)
    app.units[
        "lxd/2"
    ].machine.log = (
        'err="Failed to start dqlite server: raft_start(): io: load closed segment 1-9: truncated"'
    )

    status = "blocked: LXD's copy of the database here is damaged; docs: How to recover"
    assert str(app.hook("lxd/2").status) == status


def test_a_daemon_that_ends_when_it_starts_says_why():
    app = formed(3)
    stopped(app)
    app.units[
        "lxd/2"
    ].machine.log = (
        'msg="Failed to start the daemon" err="Failed applying patch: Storage volume not found"'
    )

    status = "blocked: LXD ends when it starts (snap logs lxd): Storage volume not found"
    assert str(app.hook("lxd/2").status) == status


@pytest.mark.parametrize(
    "why",
    [
        "failed to ensure schema: schema version '75' is more recent than expected '73'",
        "failed to open cluster database: this node's version is behind, please upgrade",
    ],
)
def test_an_lxd_that_is_older_than_its_database_says_what_helps(why: str):
    """Somebody has refreshed the snap to a later release, and back."""
    app = formed(3)
    stopped(app)
    app.units["lxd/2"].machine.log = f'msg="Failed to start the daemon" err="{why}"'

    version = app.units["lxd/2"].server.version
    status = f"blocked: LXD {version} is older than its database: snap refresh lxd to a later one"
    assert str(app.hook("lxd/2").status) == status


def test_a_silence_is_over_once_lxd_answers():
    app = formed(3)
    frozen(app)
    app.hook("lxd/2")
    app.cloud.now += LONG
    app.units["lxd/2"].server.thaw()
    assert str(app.hook("lxd/2").status) == "active: member m2, voter"

    frozen(app)

    assert str(app.hook("lxd/2").status) == "waiting: for LXD, which does not answer"
    assert not is_unresponsive_for_long(app.view("lxd/2"))


class Mute(PassingPort):
    """LXD's socket while another program has connected and sends nothing; its port answers."""

    def send(self, request: Request, seconds: float) -> Response:
        raise LxdUnreachable(f"no answer to {request.path} in {seconds:.0f} s")


def test_a_socket_that_another_program_blocks_is_not_a_lost_quorum():
    app = formed(3)
    unit = app.units["lxd/2"]
    unit.ports = replace(unit.ports, lxd=LxdApi(Mute(unit.server.lxd)))
    app.hook("lxd/2")
    app.cloud.now += LONG

    assert str(app.plan("lxd/2").status) == (
        "waiting: LXD's socket is blocked: snap restart --reload lxd; docs: How to recover"
    )


def refusing(app: ModelApp, *requests: str) -> ModelApp:
    """LXD refuses these requests on all machines."""

    def fault(machine: str, call: str) -> Fault:
        del machine
        return "refuse" if call in requests else ""

    app.cloud.fault = fault
    return app


@pytest.mark.parametrize("generation", NAMES)
def test_what_lxd_refuses_is_reported_as_a_refusal(generation: str):
    app = refusing(formed(3, generation), "GET /1.0/storage-pools")

    assert str(app.plan("lxd/0").status) == (
        "blocked: LXD refuses GET /1.0/storage-pools: GET /1.0/storage-pools was refused"
    )
    assert app.plan("lxd/0").steps == ()


def test_a_question_for_which_lxd_waited_too_long_is_not_a_refusal():
    """LXD 6.9 with a full disk: it still answers simpler requests."""
    app = fail(formed(3, "6.9"), "lxd/2", "GET /1.0/cluster/members", how="late")

    assert str(app.plan("lxd/2").status) == "waiting: for LXD's database, which does not answer"


def test_a_unit_that_leaves_waits_once_for_a_daemon_that_does_not_come():
    app = leaving(formed(4), "lxd/3")
    app.units["lxd/3"].server.kill_daemon()
    seconds: list[float] = []
    for _ in range(3):
        began = app.cloud.now
        app.hook("lxd/3")
        seconds.append(app.cloud.now - began)

    assert seconds[0] >= deadlines.START
    assert max(seconds[1:]) < deadlines.START / 2


def test_lxd_may_refuse_what_is_only_shown_of_a_leaver():
    app = refusing(leaving(with_instance(formed(3), "m2"), "lxd/2"), "GET /1.0/instances")

    view = app.view("lxd/0")

    assert isinstance(view.lxd, ClusterView)
    assert view.lxd.refusals == {"GET /1.0/instances": "GET /1.0/instances was refused"}
    assert str(app.plan("lxd/0").status) == (
        "blocked: LXD refuses GET /1.0/instances: GET /1.0/instances was refused"
    )


def on_lan(app: ModelApp) -> ModelApp:
    """A network is on one card of each machine, and then another card is wanted."""
    for unit in app.units.values():
        unit.machine.interfaces_ = [Interface("eth1"), Interface("ens3")]
        unit.server.interfaces |= {i.name: i for i in unit.machine.interfaces_}
    app.options |= {"network_mode": "macvlan", "network_name": "lan0", "network_parent": "eth1"}
    app.settle()
    app.options["network_parent"] = "ens3"
    return app


@pytest.mark.parametrize("generation", NAMES)
def test_a_member_that_is_down_is_asked_nothing(generation: str):
    app = without(on_lan(formed(3, generation)), "m2")

    shown_statuses = [str(app.hook(name).status) for name in ("lxd/0", "lxd/1", "lxd/0")]
    assert shown_statuses[-1] == "waiting: for lxd/2 to answer about the network lan0"

    app.remove("lxd/2")
    app.hook("lxd/0")
    app.settle()
    assert names(app) == ["m0", "m1"]
    assert set(the_cluster(app).networks["lan0"].members) == {"m0", "m1"}


def test_one_member_whose_part_is_refused_hinders_nobody():
    app = refusing(on_lan(formed(3)), "GET /1.0/networks/NAME")

    view = app.view("lxd/0")

    assert isinstance(view.lxd, ClusterView)
    assert view.lxd.networks is not None


def test_a_member_whose_address_is_gone_says_so_though_lxd_is_silent():
    app = formed(3)
    app.units["lxd/2"].address = app.units["lxd/2"].server.address = "10.0.0.99"
    frozen(app)

    assert str(app.plan("lxd/2").status) == (
        "blocked: this machine's address changed from 10.0.0.3 to 10.0.0.99: change it back"
    )


def test_a_bootstrap_unit_that_had_no_time_to_publish_says_so_too():
    app = ModelApp()
    unit = app.add(0)
    app.hook("lxd/0")
    app.hook("lxd/0", commit=False)
    assert app.own("lxd/0").cluster == ""
    unit.address = unit.server.address = "10.0.0.99"
    unit.server.freeze()

    assert str(app.plan("lxd/0").status) == (
        "blocked: this machine's address changed from 10.0.0.1 to 10.0.0.99: change it back"
    )


def test_the_published_name_is_the_members_whatever_the_machine_is_called():
    app = formed(3)
    unit = app.units["lxd/2"]
    unit.server.hostname = "renamed"
    frozen(app)
    app.hook("lxd/2")

    assert app.own("lxd/2").name == "m2"


def test_three_failed_joins_ask_for_the_operator():
    app = formed(1)
    refusing(app, "PUT /1.0/cluster")
    unit = app.add(1)
    for _ in range(8):
        for name in app.units:
            app.hook(name)

    assert str(app.plan("lxd/1").status) == (
        "blocked: 3 joins failed; run retry-join. The last: PUT /1.0/cluster was refused"
    )
    refusing(app)
    unit.machine.forget_failures()
    app.settle()
    assert app.own("lxd/1").cluster


def test_what_a_newer_charm_wrote_is_not_acted_upon():
    app = formed(3)
    app.add(3)
    app.databags["lxd/1"]["version"] = "9"

    plan = app.plan("lxd/0")

    assert str(plan.status) == "waiting: for the refresh of the charm: lxd/1 has a newer one"
    assert (plan.steps, plan.own, plan.app) == ((), None, None)
    assert the_cluster(app).rows


def test_a_member_with_another_snap_waits_for_the_others():
    app = formed(3)
    unit = app.units["lxd/2"]
    alone(app)
    unit.snap.facts_ = replace(unit.snap.facts_, revision="101")

    assert str(app.plan("lxd/2").status) == "waiting: for the same LXD snap on lxd/0, lxd/1"


@pytest.mark.parametrize(("before", "after"), [("5.0", "5.21.7"), ("5.21", "6.9")])
def test_a_member_with_another_version_waits_for_the_others(before: str, after: str):
    app = formed(3, before)
    unit = app.units["lxd/2"]
    unit.server.kill_daemon()
    unit.server.version = after
    unit.server.start_daemon()
    unit.machine.log = "Wait for other cluster members to align their versions"
    app.cloud.now += 10
    theirs = app.units["lxd/0"].server.version

    assert str(app.plan("lxd/2").status) == (
        f"waiting: for LXD {after} on lxd/0 ({theirs}), lxd/1 ({theirs})"
    )


def test_a_member_that_waits_for_one_without_a_unit_says_so_after_a_while():
    """That one may be dead, and LXD waits for it for ever."""
    app = without(formed(3), "m2")
    app.remove("lxd/2")
    left = [app.units[name] for name in ("lxd/0", "lxd/1")]
    for unit in left:
        unit.server.kill_daemon()
        unit.server.version = "6.9"
        unit.server.start_daemon()
        unit.machine.log = "Wait for other cluster members to align their versions"
    app.cloud.now += 10
    for _ in range(2):
        app.hook("lxd/1")
        app.hook("lxd/0")
    before = str(app.plan("lxd/0").status)

    app.cloud.now += deadlines.UNRESPONSIVE

    assert before == "waiting: for the same LXD snap on all members"
    plan = app.plan("lxd/0")
    expected = "LXD 6.9 waits for a member without a unit; docs: How to recover"
    assert str(plan.status) == f"blocked: {expected}"
    assert plan.own is not None
    assert plan.own.problem == expected


def test_a_member_that_was_off_during_an_exchange_names_the_version_it_needs():
    """Its older LXD does not start on the newer database."""
    app = formed(3)
    app.units["lxd/2"].server.kill_daemon()
    app.databags["lxd/0"]["lxd"] = app.databags["lxd/0"]["package"] = '"6.9"'
    here = app.units["lxd/2"].server.version

    assert str(app.plan("lxd/2").status) == (
        f"waiting: for the LXD of lxd/0 (6.9): this member has {here}"
    )


def test_a_clock_that_goes_back_hides_no_advice():
    """The hardware's clock keeps local time, and chrony corrects it after the boot."""
    app = formed(3)
    alone(app)
    app.cloud.now += 7200
    app.hook("lxd/2")
    app.cloud.now -= 7200

    app.hook("lxd/2")
    app.cloud.now += LONG

    assert str(app.hook("lxd/2").status) == NO_QUORUM
