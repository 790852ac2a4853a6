# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Reports of users of LXD, Incus and MicroCloud about their clusters, tested with the charm.

Each test names the report. They run on every generation of LXD that could have the problem.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

import deadlines
from state.facts import Resource
from steps.plan import Plan
from tests.lxd_model import by_hand
from tests.lxd_model.generations import NAMES
from tests.lxd_model.operations import NEVER, Work
from tests.lxd_model.records import Role
from tests.unit.model_units import ModelApp, formed
from tests.unit.operations.exchanges import attached, fetched
from tests.unit.scenarios import (
    later,
    leaving,
    locations,
    names,
    server,
    the_cluster,
    with_instance,
    without,
)
from values.status import Kind

LATER = [name for name in NAMES if name != "5.0"]


@pytest.mark.parametrize("generation", LATER)
def test_a_machine_that_was_erased_joins_though_a_join_of_its_name_failed(generation: str):
    """LXD issue 18617: the certificate of the failed join is trusted under that name for good."""
    app = formed(2, generation)
    the_cluster(app).trusted["of the machine before it was erased"] = "m2"
    app.add(2)

    app.settle()

    assert names(app) == ["m0", "m1", "m2-2"]
    assert str(app.plan("lxd/2").status) == "active: member m2-2, voter"


@pytest.mark.parametrize("generation", NAMES)
def test_a_leader_that_hangs_while_somebody_joins_is_named_and_hinders_nobody(generation: str):
    """LXD issue 19071: the Raft leader hangs in a join, for good."""
    app = formed(3, generation)
    app.add(3)
    app.hook("lxd/3")
    records = the_cluster(app)
    hung = next(u for u in app.units.values() if u.server.name == records.leader)
    hung.server.freeze()
    app.leader = next(name for name in app.units if name != hung.name)

    plans: dict[str, Plan] = {}
    for _ in range(4):
        later(app, 100.0)
        plans = {name: app.hook(name) for name in app.units}

    assert "LXD hangs: snap restart --reload lxd" in plans[hung.name].status.message
    others = [p for name, p in plans.items() if name != hung.name]
    assert not any("recover-quorum" in p.status.message for p in others)
    hung.snap.reload()
    later(app, 30.0)
    app.settle()
    assert names(app) == ["m0", "m1", "m2", "m3"]
    assert {p.status.kind for p in map(app.plan, app.units)} == {Kind.ACTIVE}


def test_a_new_lxd_that_ends_at_its_start_is_reported_and_the_database_was_copied_before():
    """LXD issue 17174: `Assertion header.wal_size == 0 failed`, 5.21 to 6.6."""
    app = fetched(attached("6.9", formed(3)))
    first = app.units["lxd/0"]

    def installed_and_dead(path: str) -> None:
        first.snap.digest = path
        first.snap.facts_ = replace(first.snap.facts_, revision="x1")
        first.server.kill_daemon()

    first.snap.install_file = installed_and_dead
    plan = app.hook("lxd/0")

    assert "LXD is not running here: snap start lxd, or see snap logs lxd" in plan.status.message
    assert first.server.database.backups
    later(app, 600.0)
    for name in ("lxd/0", "lxd/1", "lxd/2"):
        status = app.hook(name).status
        assert "recover-quorum" not in status.message


@pytest.mark.parametrize("generation", NAMES)
def test_a_leaver_that_lxd_took_out_of_the_database_only_leaves_with_the_next_hook(
    generation: str,
):
    """LXD issue 18136: a pool cannot be deleted on the leaving member, after it is out of Raft."""
    app = leaving(formed(3, generation), "lxd/2")
    row = the_cluster(app).rows["m2"]
    row.role, row.out = Role.SPARE, True

    assert app.hook("lxd/2").hold == ""
    assert names(app) == ["m0", "m1"]


@pytest.mark.parametrize("generation", NAMES)
def test_a_leaver_that_somebody_restores_midway_leaves_all_the_same(generation: str):
    """LXD issue 15877: restored while it is evacuated, instances were on both sides."""
    app = with_instance(formed(3, generation), "m2")
    by_hand.evacuate(server(app, "m2"))
    by_hand.launch(server(app, "m0"), "c2")
    leaving(app, "lxd/2")
    the_cluster(app).instances = {
        key: replace(i, location="m2") if i.name == "c2" else i
        for key, i in the_cluster(app).instances.items()
    }
    by_hand.restore(server(app, "m2"))

    assert app.hook("lxd/2").hold == ""
    assert names(app) == ["m0", "m1"]
    assert set(locations(app)) == {"c1", "c2"}


@pytest.mark.parametrize("generation", NAMES)
def test_no_status_advises_to_restore_a_member_that_leaves(generation: str):
    """LXD issue 15877: an operator who obeys that status breaks the evacuation."""
    app = formed(3, generation)
    app.resource = Resource("/lxd.snap", "new")
    by_hand.evacuate(server(app, "m2"))
    by_hand.add_volume(server(app, "m2"), "local", "data")
    leaving(app, "lxd/2")
    app.hook("lxd/2")

    plans = [app.hook(name) for name in ("lxd/0", "lxd/1")]

    said = [str(s) for plan in plans for s in (plan.status, plan.app_status) if s]
    assert not [text for text in said if "cluster restore" in text]


@pytest.mark.parametrize("generation", NAMES)
def test_an_evacuation_that_lxd_lists_for_good_does_not_keep_a_hook_for_good(generation: str):
    """LXD issue 18475: operations that ended long ago are listed as running."""
    app = formed(3, generation)
    by_hand.evacuate(server(app, "m2"))

    def never() -> Work:
        yield NEVER

    app.cloud.start(server(app, "m2"), "evacuate", "m2", never(), "Evacuating cluster member")
    leaving(app, "lxd/2")
    begun = app.cloud.now

    held = app.hook("lxd/2")

    assert "the evacuation did not end in 3600 s" in held.hold
    assert app.cloud.now - begun < deadlines.EVACUATE + 120


@pytest.mark.parametrize("generation", NAMES)
def test_units_join_though_their_api_is_in_another_network(generation: str):
    """Incus issue 3075: `cluster.https_address` in a network of its own."""
    app = ModelApp(cloud=formed(0, generation).cloud)
    for number in range(3):
        unit = app.add(number)
        unit.https = f"192.168.7.{number + 1}"
        unit.server.addresses = {unit.https}

    app.settle()

    assert names(app) == ["m0", "m1", "m2"]
    assert {p.status.kind for p in map(app.plan, app.units)} == {Kind.ACTIVE}


@pytest.mark.parametrize("generation", NAMES)
def test_a_member_that_the_operator_removed_does_not_come_back_by_itself(generation: str):
    """MicroCloud issues 160 and 837: removed in one place, and still there in the other."""
    app = formed(3, generation)
    app.units["lxd/0"].ports.lxd.members.leave("m2")
    later(app, 30.0)

    app.settle()

    assert names(app) == ["m0", "m1"]
    status = app.plan("lxd/2").status
    assert str(status) == (
        "blocked: the cluster removed this member: remove this unit, then add another"
    )


@pytest.mark.parametrize("generation", NAMES)
def test_a_leader_that_vanished_does_not_let_a_unit_recover_while_the_others_answer(
    generation: str,
):
    """LXD issue 9400: no leader for a quarter of an hour after the last one's power was cut."""
    app = without(formed(3, generation), "m0")
    app.leader = "lxd/1"
    the_cluster(app).leaderless = app.cloud.now + 900

    for name in ("lxd/1", "lxd/2") * 3:
        later(app, 50.0)
        assert app.hook(name).status.kind is Kind.WAITING
    later(app, 900.0)
    app.hook("lxd/1")

    assert str(app.hook("lxd/2").status) == "active: member m2, voter"


@pytest.mark.parametrize("generation", NAMES)
def test_an_expired_certificate_is_not_a_reason_to_recover(generation: str):
    """LXD issue 16690, incus PR 2509: members reject each other's connections, and none is lost."""
    app = without(formed(3, generation), "m0", "m1")
    unit = app.units["lxd/2"]
    unit.machine.log = (
        "x509: certificate has expired or is not yet valid: current time 2026-11-29T07:00:00Z is "
        "after 2026-07-01T00:00:00Z"
    )
    app.hook("lxd/2")
    later(app, deadlines.UNRESPONSIVE + 1)

    status = app.hook("lxd/2").status

    assert str(status) == "blocked: the cluster's certificate has expired; docs: How to recover"
