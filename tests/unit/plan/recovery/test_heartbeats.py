# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A Raft leader that sends no heartbeats: its own unit reloads its daemon."""

from __future__ import annotations

from dataclasses import replace

import pytest

import deadlines
from plan.unit import make_plan
from state.cluster import ClusterView, Member
from steps.plan import Plan
from steps.server import RestartLxd
from tests.lxd_model.generations import NAMES
from tests.lxd_model.records import State
from tests.unit import views
from tests.unit.model_units import ModelApp, formed
from tests.unit.views import NOW, data, lxd, member, peers
from values.status import Kind

MESSAGE = "No heartbeat for 5m0.186815505s (2026-11-28 21:23:42.734889083 +0000 UTC)"
LEADS = "Raft leader m0 sends no heartbeats"


def quiet(generation: str, count: int = 3) -> ModelApp:
    """A cluster whose Raft leader sends no heartbeats. All daemons answer."""
    app = formed(count, generation)
    records = app.units["lxd/0"].server.records
    records.quiet = records.leader
    app.cloud.now += 60
    return app


def quiet_and_evacuated(generation: str) -> ModelApp:
    """The same, and the Raft leader was evacuated before."""
    app = quiet(generation)
    row = app.units[leading(app)].server.row()
    assert row is not None
    row.state = State.EVACUATED
    return app


def leading(app: ModelApp) -> str:
    """The unit of the Raft leader."""
    records = app.units["lxd/0"].server.records
    return next(u.name for u in app.units.values() if u.server.name == records.leader)


def statuses(app: ModelApp) -> set[str]:
    """LXD's statuses of the members."""
    return {m.status for m in app.units["lxd/0"].ports.lxd.members.list()}


@pytest.mark.parametrize("generation", NAMES)
def test_the_daemon_of_a_leader_that_sends_no_heartbeats_is_reloaded_once(generation: str):
    app = quiet(generation)
    unit = leading(app)
    snap = app.units[unit].snap
    before = list(snap.calls)

    first = app.hook(unit)
    assert (statuses(app), snap.calls) == ({"OFFLINE"}, before)
    assert str(first.status).startswith(f"waiting: {LEADS}")
    app.cloud.now += deadlines.WITHOUT_HEARTBEATS
    app.hook(unit)
    app.settle()

    assert snap.calls == [*before, "reload"]
    assert statuses(app) == {"ONLINE"}
    assert {p.status.kind for p in map(app.plan, app.units)} == {Kind.ACTIVE}


@pytest.mark.parametrize("generation", NAMES)
def test_an_evacuated_leader_that_sends_no_heartbeats_is_reloaded_too(generation: str):
    """LXD calls the others offline, and the leader evacuated."""
    app = quiet_and_evacuated(generation)
    unit = leading(app)
    other = next(name for name in app.units if name != unit)

    app.hook(unit)
    planned = app.hook(other)
    app.cloud.now += deadlines.WITHOUT_HEARTBEATS
    app.hook(unit)
    app.settle()

    assert (
        str(planned.status)
        == f"waiting: Raft leader {app.units[unit].server.name} sends no heartbeats: "
        f"{unit} reloads its LXD"
    )
    assert app.units[unit].snap.reloads == 1
    assert statuses(app) == {"ONLINE", "EVACUATED"}


@pytest.mark.parametrize("generation", NAMES)
def test_an_evacuated_leader_whose_others_are_dead_is_not_reloaded(generation: str):
    app = quiet_and_evacuated(generation)
    unit = leading(app)
    for name in app.units.keys() - {unit}:
        app.units[name].server.power_off()

    planned = app.hook(unit)

    assert "sends no heartbeats" not in str(planned.status)


@pytest.mark.parametrize("generation", NAMES)
def test_the_others_wait_and_say_whose_leader_it_is(generation: str):
    app = quiet(generation)
    unit = leading(app)
    leader = app.units[unit].server.name
    app.cloud.now += deadlines.WITHOUT_HEARTBEATS

    for name in app.units.keys() - {unit}:
        app.hook(name)
        app.cloud.now += deadlines.WITHOUT_HEARTBEATS
        planned = app.hook(name)

        assert (
            str(planned.status)
            == f"waiting: Raft leader {leader} sends no heartbeats: {unit} reloads its LXD"
        )
        assert app.units[name].snap.reloads == 0


@pytest.mark.parametrize("generation", NAMES)
def test_a_reload_that_does_not_help_is_not_repeated_for_an_hour(generation: str):
    app = quiet(generation, 1)
    unit = leading(app)
    records = app.units[unit].server.records

    for _ in range(30):
        records.quiet = records.leader
        app.cloud.now += 300
        app.hook(unit)

    assert app.units[unit].snap.reloads == 3


@pytest.mark.parametrize("generation", NAMES)
def test_a_leader_that_leaves_is_reloaded_too(generation: str):
    app = quiet(generation)
    unit = leading(app)
    app.leaving.add(unit)

    app.hook(unit)
    app.cloud.now += deadlines.WITHOUT_HEARTBEATS
    planned = app.hook(unit)

    assert (app.units[unit].snap.reloads, planned.hold) == (1, "")


@pytest.mark.parametrize("generation", NAMES)
def test_a_unit_that_leaves_meanwhile_names_the_leader_and_goes_once_it_is_back(generation: str):
    """All members answered, and it was held because no other member was up."""
    app = quiet(generation)
    unit = leading(app)
    leader = app.units[unit].server.name
    goes = "lxd/2" if unit != "lxd/2" else "lxd/1"
    app.leaving.add(goes)

    held = app.hook(goes)

    reason = f"Raft leader {leader} sends no heartbeats"
    assert str(held.status) == f"waiting: {reason}: {unit} reloads its LXD"
    assert reason in held.hold
    app.leader = next(name for name in app.units if name not in (goes, unit))
    assert str(app.plan(app.leader).app_status) == f"waiting: {reason}: {unit} reloads its LXD"
    app.hook(unit)
    app.cloud.now += deadlines.WITHOUT_HEARTBEATS
    app.hook(unit)
    app.cloud.now += 30
    assert app.hook(goes).hold == ""


@pytest.mark.parametrize("generation", NAMES)
def test_the_others_wait_for_the_hooks_of_a_leader_that_leaves(generation: str):
    """Its unit has no place in the queue any more, and the operator was asked to reload it."""
    app = quiet(generation, 4)
    unit = leading(app)
    leader = app.units[unit].server.name
    others = [name for name in app.units if name != unit]
    app.leader = others[0]
    app.leaving.add(unit)

    held = app.hook(unit)
    for name in others:
        app.hook(name)

    fault = f"Raft leader {leader} sends no heartbeats"
    status = f"waiting: {fault}: {unit} reloads its LXD"
    assert str(held.status) == f"waiting: {fault}: LXD is reloaded if that lasts"
    assert {str(app.plan(name).status) for name in others} == {status}
    assert str(app.plan(app.leader).app_status) == status


def row(number: int, status: str = "OFFLINE", role: str = "database") -> Member:
    return replace(member(number, status, role), message=MESSAGE if status == "OFFLINE" else "")


def plan(seen: ClusterView, *, leader: bool = False) -> Plan:
    among = peers(data(0), {1: data(1), 2: data(2)})
    units = views.known(0, 1, 2) if leader else None
    return make_plan(views.view(seen, among, leader=leader, units=units))


OWN = (row(0, role="database-leader"), row(1), row(2))
OTHER = (row(0), row(1, role="database-leader"), row(2))


@pytest.mark.parametrize(
    ("members", "notes", "reloads"),
    [
        pytest.param(OWN, {}, False, id="not for long yet"),
        pytest.param(OWN, {"quiet.m0": f"{NOW - 119:.0f}"}, False, id="nearly"),
        pytest.param(OWN, {"quiet.m0": f"{NOW - 120:.0f}"}, True, id="long enough"),
        pytest.param(OWN, {"quiet.m0": f"{NOW + 500:.0f}"}, False, id="the clock went back"),
        pytest.param(OWN, {"quiet.m0": "x"}, False, id="somebody else wrote there"),
        pytest.param(
            OWN, {"quiet.m0": "9000", "reloaded.m0": f"{NOW - 3599:.0f}"}, False, id="reloaded"
        ),
        pytest.param(
            OWN, {"quiet.m0": "9000", "reloaded.m0": f"{NOW - 3600:.0f}"}, True, id="an hour ago"
        ),
        pytest.param(
            OTHER, {"quiet.m1": "9000", "quiet.m0": "9000"}, False, id="another one leads"
        ),
        pytest.param(
            (row(0), row(1), row(2)), {"quiet.m0": "9000"}, False, id="nobody is known to lead"
        ),
        pytest.param(
            (row(0, "ONLINE", "database-leader"), row(1), row(2)),
            {"quiet.m0": "9000"},
            False,
            id="it sends heartbeats, the others are off",
        ),
    ],
)
def test_when_the_daemon_is_reloaded(
    members: tuple[Member, ...], notes: dict[str, str], reloads: bool
):
    steps = plan(lxd(*members, notes=notes)).steps

    assert any(isinstance(step, RestartLxd) for step in steps) == reloads


def test_the_reload_is_noted_before_it_begins():
    notes = {"quiet.m0": "9000"}

    steps = plan(lxd(*OWN, notes=notes)).steps

    at = next(n for n, step in enumerate(steps) if isinstance(step, RestartLxd))
    assert getattr(steps[at - 1], "values", None) == {"reloaded.m0": f"{NOW:.0f}", "quiet.m0": ""}


def test_one_that_was_reloaded_says_when_it_is_tried_again():
    notes = {"quiet.m0": "9000", "reloaded.m0": f"{NOW - 1800:.0f}"}

    status = plan(lxd(*OWN, notes=notes)).status

    assert str(status) == f"waiting: {LEADS}: LXD was reloaded, again in 30 min"


def test_the_application_says_which_leader_it_is():
    seen = lxd(row(0), row(1, role="database-leader"), row(2), notes={"unit.m1": "lxd/1 0"})

    status = plan(seen, leader=True).app_status

    leads = "Raft leader m1 sends no heartbeats"
    assert str(status) == f"waiting: {leads}: lxd/1 reloads its LXD"


def test_a_leader_without_a_unit_is_the_operators():
    seen = lxd(row(0), row(1, role="database-leader"), row(2))

    status = plan(seen).status

    leads = "Raft leader m1 sends no heartbeats"
    assert str(status) == f"blocked: {leads}; there: snap restart --reload lxd"


@pytest.mark.parametrize("leader", [False, True])
def test_a_leader_whose_unit_was_removed_by_force_is_the_operators(leader: bool):
    seen = lxd(row(0), row(1, role="database-leader"), row(2), notes={"unit.m1": "lxd/1 0"})
    among = peers(data(0), {2: data(2)})

    planned = make_plan(views.view(seen, among, leader=leader, units=views.known(0, 2)))

    status = "blocked: Raft leader m1 sends no heartbeats; there: snap restart --reload lxd"
    assert str(planned.status) == status
    assert str(planned.app_status) == (status if leader else "None")
