# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Each status of a unit: its cause and its text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from deadlines import JOIN
from state.facts import Forming, Resource
from steps.forming import ResetLxd
from steps.install import InstallSnap, InstallSnapFile
from tests.lxd_model import by_hand
from tests.lxd_model.generations import NAMES
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import later, server, the_cluster, without
from values.status import Kind


def snapd_missing(app: ModelApp) -> None:
    snap = app.units["lxd/2"].snap
    snap.facts_ = replace(snap.facts_, snapd=False)


def lxd_is_a_deb(app: ModelApp) -> None:
    snap = app.units["lxd/2"].snap
    snap.facts_ = replace(snap.facts_, deb=True)


def store_unreachable(app: ModelApp) -> None:
    snap = app.units["lxd/2"].snap
    snap.facts_ = replace(snap.facts_, installed=False)
    snap.store_error = "cannot reach the store"


def channel_unknown(app: ModelApp) -> None:
    snap = app.units["lxd/2"].snap
    snap.facts_ = replace(snap.facts_, installed=False)
    snap.unknown_channel = "5.21/stable"


def installation_cut_short(app: ModelApp) -> None:
    snap = app.units["lxd/2"].snap
    snap.facts_ = replace(snap.facts_, unfinished=True)
    snap.store_error = "cannot reach the store"


def lxd_does_not_answer(app: ModelApp) -> None:
    app.units["lxd/2"].server.freeze()


def no_address(app: ModelApp) -> None:
    app.units["lxd/2"].address = ""


def instances_there(app: ModelApp) -> None:
    by_hand.launch(app.units["lxd/2"].server, "c1", devices={"root": {"type": "disk"}})


def a_pool_there(app: ModelApp) -> None:
    app.units["lxd/2"].ports.lxd.pools.create("old", "dir", {}, {})


def a_network_there(app: ModelApp) -> None:
    app.units["lxd/2"].ports.lxd.networks.create("old", "bridge", {}, {})


def an_image_there(app: ModelApp) -> None:
    by_hand.add_image(app.units["lxd/2"].server, "f" * 64)


def a_newer_version(app: ModelApp) -> None:
    app.units["lxd/2"].server.version = "6.5"
    app.databags["lxd/2"]["attempt"] = "1"


def an_older_version(app: ModelApp) -> None:
    app.units["lxd/2"].server.version = "5.21.3"


def another_cluster(app: ModelApp) -> None:
    by_hand.bootstrap(app.units["lxd/2"].server)


def no_btrfs(app: ModelApp) -> None:
    app.units["lxd/2"].server.drivers = frozenset({"dir"})


def name_in_cluster(app: ModelApp) -> None:
    """With the unit's number, too. Both members have no unit."""
    for number, name in enumerate(("m2", "m2-2"), 1):
        other = app.cloud.add(f"another{number}", name, f"10.9.9.{number}")
        other.revision = "100"
        other.start_daemon()
        later(app, 10.0)
        by_hand.join(other, server(app, "m0"))
    for unit in ("lxd/2", "lxd/1") * 2:
        app.hook(unit)


OUTSIDERS: list[tuple[Callable[[ModelApp], None], str]] = [
    (snapd_missing, "blocked: snapd is missing: run apt install snapd on this machine"),
    (
        lxd_is_a_deb,
        "blocked: LXD is here as a deb: use another machine, or move its data and purge it",
    ),
    (
        store_unreachable,
        "waiting: could not install the LXD snap from 5.21/stable at r...: cannot reach the store",
    ),
    (
        installation_cut_short,
        "waiting: could not install the LXD snap from 5.21/stable at r...: cannot reach the store",
    ),
    (
        channel_unknown,
        "blocked: could not install the LXD snap from 5.21/stable at re...: no LXD on 5.21/stable",
    ),
    (
        lxd_does_not_answer,
        "waiting: for LXD, which does not answer",
    ),
    (no_address, "waiting: for an address on the binding cluster"),
    (
        an_image_there,
        "blocked: LXD here has the image ffffffffffff: export it, then delete it",
    ),
    (
        instances_there,
        "blocked: LXD here has instances, joining would lose them: move or delete them",
    ),
    (a_pool_there, "blocked: LXD here has a storage pool old: joining needs an empty LXD"),
    (a_network_there, "blocked: LXD here has a network old: joining needs an empty LXD"),
    (
        a_newer_version,
        "blocked: LXD 6.5 here is newer than 5.21.7 in the cluster: remove this unit, or upgrade",
    ),
    (
        an_older_version,
        "blocked: LXD is 5.21.3 here, 5.21.7 in the cluster: give all units one version",
    ),
    (
        another_cluster,
        "blocked: LXD here is in another cluster, as member m2: use another machine",
    ),
    (no_btrfs, "blocked: pool local of btrfs: LXD here supports dir; needs module btrfs"),
    (name_in_cluster, "blocked: the cluster already has a member m2-2: rename this machine"),
]


def misfitting(misfit: Callable[[ModelApp], None]) -> ModelApp:
    """Two members, and a unit that cannot become one."""
    app = formed(2)
    app.add(2)
    app.units["lxd/2"].snap.install("5.21/stable", "")
    misfit(app)
    return app


@pytest.mark.parametrize(("misfit", "status"), OUTSIDERS, ids=lambda v: getattr(v, "__name__", ""))
def test_a_unit_that_does_not_fit_is_reported_and_changes_nothing(
    misfit: Callable[[ModelApp], None], status: str
):
    app = misfitting(misfit)
    records = app.cloud.databases[0]
    before = sorted(records.rows)

    plan = app.hook("lxd/2")

    assert str(plan.status) == status
    assert sorted(records.rows) == before
    assert not app.own("lxd/2").able


@pytest.mark.parametrize(("misfit", "status"), OUTSIDERS, ids=lambda v: getattr(v, "__name__", ""))
def test_a_misfit_keeps_nobody_busy(misfit: Callable[[ModelApp], None], status: str):
    app = misfitting(misfit)

    app.settle()

    assert str(app.hook("lxd/2").status) == status


def test_waiting_units_say_whom_they_wait_for():
    app = ModelApp()
    for number in range(3):
        app.add(number)
    app.leader = ""
    assert "the leader" in str(app.hook("lxd/1").status)
    app.leader = "lxd/0"
    app.hook("lxd/0")
    assert str(app.hook("lxd/1").status) == "waiting: for lxd/0 to bootstrap the cluster"
    app.hook("lxd/2")
    app.hook("lxd/0")
    assert str(app.hook("lxd/2").status) == "waiting: to join after lxd/1"


@pytest.mark.parametrize("generation", NAMES)
def test_members_show_their_role(generation: str):
    app = formed(4, generation)

    shown = [str(app.plan(u).status) for u in app.units]

    assert shown == [
        "active: member m0, voter",
        "active: member m1, voter",
        "active: member m2, voter",
        "active: member m3, stand-by",
    ]


@pytest.mark.parametrize("generation", NAMES)
@pytest.mark.parametrize(
    ("count", "status"),
    [
        (1, "active: 1 member, 1 voter; add units: three survive a loss"),
        (3, "active: 3 members, 3 voters"),
        (5, "active: 5 members, 3 voters"),
    ],
)
def test_the_application_counts_members_and_voters(count: int, status: str, generation: str):
    assert str(formed(count, generation).plan("lxd/0").app_status) == status


def test_the_application_names_who_is_missing():
    app = formed(2)
    app.add(2)

    status = "waiting: lxd/1 makes the tokens: 2 of 3 units joined, missing lxd/2"
    assert str(app.plan("lxd/0").app_status) == status


@pytest.mark.parametrize("generation", NAMES)
def test_the_application_names_offline_members(generation: str):
    app = without(formed(3, generation), "m1")

    assert str(app.plan("lxd/0").app_status) == "waiting: 1 of 3 members offline: m1"


@pytest.mark.parametrize("generation", ["5.21", "6.9"])
def test_the_application_names_a_member_with_a_newer_lxd(generation: str):
    """The others are up and answer: LXD calls them blocked."""
    app = formed(3, generation)
    there = server(app, "m2")
    there.kill_daemon()
    there.version = "6.10"
    there.start_daemon()
    later(app, 30.0)

    status = str(app.plan("lxd/0").app_status)

    assert status == "waiting: for one LXD on all members: m2 has a newer one"


def just_started(app: ModelApp, member: str) -> ModelApp:
    """LXD calls a member offline whose daemon has just started."""
    without(app, member)
    there = server(app, member)
    there.power_on()
    app.cloud.now = there.ready
    return app


@pytest.mark.parametrize("generation", NAMES)
def test_a_member_that_has_just_started_waits_for_its_heartbeat(generation: str):
    app = just_started(formed(3, generation), "m1")
    assert app.units["lxd/0"].ports.lxd.members.list()[1].offline

    assert str(app.plan("lxd/1").status).startswith("active: member m1")


@pytest.mark.parametrize("generation", NAMES)
def test_a_member_whose_heartbeats_do_not_arrive_is_offline(generation: str):
    app = formed(3, generation)
    for number in (0, 2):
        app.cloud.cut(app.units[f"lxd/{number}"].server.machine, server(app, "m1").machine)
    later(app, 60.0)

    assert str(app.plan("lxd/0").app_status) == "waiting: 1 of 3 members offline: m1"


@pytest.mark.parametrize("generation", NAMES)
def test_the_leader_waits_for_the_heartbeat_of_another_that_has_just_started(generation: str):
    app = just_started(formed(3, generation), "m1")

    assert str(app.plan("lxd/0").app_status) == "active: 3 members, 3 voters"


def test_a_changed_address_of_a_member_is_reported():
    app = formed(1)
    app.units["lxd/0"].address = app.units["lxd/0"].server.address = "10.0.0.99"

    status = app.plan("lxd/0").status

    assert str(status) == (
        "blocked: this machine's address changed from 10.0.0.1 to 10.0.0.99: change it back"
    )


def test_an_address_that_changes_before_joining_is_the_one_used():
    app = formed(1)
    app.add(1)
    app.hook("lxd/1")
    app.units["lxd/1"].address = app.units["lxd/1"].server.address = "10.0.0.99"
    app.settle()

    assert the_cluster(app).rows["m1"].address == "10.0.0.99:8443"


def test_a_member_whose_lxd_was_emptied_is_not_advised_to_leave():
    app = formed(2)
    app.units["lxd/1"].machine.empty_lxd()

    status = app.plan("lxd/1").status

    assert status.kind is Kind.BLOCKED
    assert str(status).startswith("blocked: LXD here is empty")


def resets(app: ModelApp, unit: str) -> bool:
    """Whether the unit would empty its LXD."""
    return any(isinstance(step, ResetLxd) for step in app.plan(unit).steps)


def test_a_join_that_hangs_is_reset_after_its_deadline():
    app = formed(1)
    unit = app.add(1)
    app.hook("lxd/1")
    unit.server.freeze()
    unit.machine.forming_ = Forming("join", app.cloud.now)

    assert not resets(app, "lxd/1")
    later(app, JOIN + 1)
    assert resets(app, "lxd/1")
    app.hook("lxd/1")
    assert app.own("lxd/1").attempt == 1


def test_a_hung_daemon_of_a_member_is_never_reset():
    app = formed(2)
    unit = app.units["lxd/1"]
    unit.server.freeze()
    unit.machine.forming_ = Forming("join", app.cloud.now)
    later(app, JOIN + 1)

    assert not resets(app, "lxd/1")


def test_an_attached_snap_is_installed_instead_of_the_stores():
    app = ModelApp(resource=Resource("/lxd.snap", "/lxd.snap"))
    app.add(0)

    assert app.plan("lxd/0").steps == (InstallSnapFile("/lxd.snap"),)


def test_another_attached_snap_takes_its_place():
    app = formed(2)
    app.resource = Resource("/new.snap", "/new.snap")

    assert app.plan("lxd/0").steps == (InstallSnapFile("/new.snap"),)


def test_no_snap_is_exchanged_while_a_member_is_down():
    app = formed(3)
    app.resource = Resource("/new.snap", "/new.snap")
    without(app, "m2")

    plan = app.plan("lxd/0")

    assert plan.steps == ()
    assert str(plan.status) == "waiting: to exchange the LXD snap until m2 is back"


def test_a_joiner_takes_the_clusters_revision_of_the_snap():
    app = formed(1)
    unit = app.add(1)
    unit.snap.install("5.21/stable", "101")
    unit.machine.keep_key(b"k" * 32, "")

    assert app.plan("lxd/1").steps == (InstallSnap("5.21/stable", "100"),)
