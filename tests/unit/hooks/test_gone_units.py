# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Units that are removed without a message to the others: the next hook notices it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import ops
import pytest
from ops import hookcmds, testing

import charm
from actions import form_again
from hooks import reading
from ports.ports import Ports
from state import peers
from state.facts import Resource
from state.hook_input import HookInput
from state.peers import Storage
from steps.plan import Plan
from tests.lxd_model.cloud import Cloud
from tests.lxd_model.generations import NAMES
from tests.unit.hook_tools import tools_for
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import api, changed, later, leaving, names, without
from tests.unit.stage import Stage
from values.status import Kind

ALIVE = hookcmds.Goal(status="active", since=dt.datetime.now(dt.timezone.utc))


def gone_without_notice(app: ModelApp, unit: str) -> ModelApp:
    """Juju no longer has the unit, but the agents of the others still list it."""
    databag = app.databags[unit]
    app.remove(unit)
    app.databags[unit] = databag
    return app


def left(app: ModelApp, unit: str) -> ModelApp:
    """The unit has left the cluster in order, and the others did not hear of it."""
    leaving(app, unit)
    while "lxd/2" in app.units and "m2" in names(app):
        app.hook(unit)
    return gone_without_notice(app, unit)


HOMELESS = "m3 has no unit: move what it holds, then lxc cluster remove it"
EVENTS = ("update_status", "config_changed", "leader_elected", "start", "upgrade_charm")


@pytest.mark.parametrize("event", EVENTS)
def test_any_hook_of_the_leader_sees_that_a_unit_has_left(
    event: str, monkeypatch: pytest.MonkeyPatch
):
    app = left(formed(3), "lxd/2")
    stage = Stage(app, app.units["lxd/0"], monkeypatch)

    out = stage.context.run(getattr(stage.context.on, event)(), stage.state())

    assert out.app_status == ops.ActiveStatus("2 members, 1 voter; add units: three survive a loss")
    assert out.unit_status.name == "active"


@pytest.mark.parametrize("action", ["cluster-status", "plan"])
def test_an_action_that_only_looks_sees_that_a_unit_has_left(
    action: str, monkeypatch: pytest.MonkeyPatch
):
    app = left(formed(3), "lxd/2")
    app.hook("lxd/0")
    stage = Stage(app, app.units["lxd/0"], monkeypatch)
    before = stage.state(app_status=testing.WaitingStatus("for lxd/2 to leave"))

    out = stage.context.run(stage.context.on.action(action), before)

    assert out.app_status == ops.ActiveStatus("2 members, 1 voter; add units: three survive a loss")


@pytest.mark.parametrize("leader", ["lxd/0", "lxd/1"])
def test_a_member_that_is_up_without_its_unit_needs_the_operator(leader: str):
    """The application says so, and also the unit that must make something on all members."""
    app = gone_without_notice(formed(4), "lxd/3")
    app.leader = leader
    app.hook(leader)

    changed(app, storage_pools="more: dir")

    assert str(app.plan("lxd/0").status) == f"blocked: {HOMELESS}"
    assert str(app.plan(leader).app_status).startswith("blocked: ")
    assert "m3 has no unit" in str(app.plan(leader).app_status)
    assert [p.name for p in api(app).pools.list()] == ["local"]


@pytest.mark.parametrize("event", EVENTS)
def test_the_application_says_so_in_juju_status(event: str, monkeypatch: pytest.MonkeyPatch):
    app = gone_without_notice(formed(4), "lxd/3")
    stage = Stage(app, app.units["lxd/0"], monkeypatch)

    out = stage.context.run(getattr(stage.context.on, event)(), stage.state())

    assert out.app_status == ops.BlockedStatus(HOMELESS)


@pytest.mark.parametrize("action", ["cluster-status", "plan"])
def test_it_says_so_also_after_an_action(action: str, monkeypatch: pytest.MonkeyPatch):
    app = gone_without_notice(formed(4), "lxd/3")
    app.hook("lxd/0")
    stage = Stage(app, app.units["lxd/0"], monkeypatch)
    before = stage.state(app_status=testing.ActiveStatus("4 members, 3 voters"))

    out = stage.context.run(stage.context.on.action(action), before)

    assert out.app_status == ops.BlockedStatus(HOMELESS)


def test_no_other_unit_believes_a_gone_one_either(monkeypatch: pytest.MonkeyPatch):
    """Its LXD would be waited for, its share of the addresses stay taken, and so on."""
    app = left(formed(3), "lxd/2")
    app.hook("lxd/0")
    app.databags["lxd/2"]["problem"] = "none of theirs"
    stage = Stage(app, app.units["lxd/1"], monkeypatch)
    seen: list[frozenset[str]] = []
    run = charm.run.run

    def looking(juju: HookInput, ports: Ports) -> Plan:
        assert juju.peers is not None
        seen.append(frozenset(juju.peers.others))
        return run(juju, ports)

    monkeypatch.setattr(charm.run, "run", looking)
    stage.context.run(stage.context.on.update_status(), stage.state())

    assert seen == [frozenset({"lxd/0"})]


def test_a_member_goes_on_if_juju_does_not_say_who_is_gone(monkeypatch: pytest.MonkeyPatch):
    app = left(formed(3), "lxd/2")
    app.hook("lxd/0")
    stage = Stage(app, app.units["lxd/1"], monkeypatch)

    def fails() -> None:
        raise hookcmds.Error(returncode=1, cmd=["goal-state"], stderr="saas application not found")

    monkeypatch.setattr(hookcmds, "goal_state", fails)
    out = stage.context.run(stage.context.on.update_status(), stage.state())

    assert out.unit_status.name == "active"


@pytest.mark.parametrize("generation", NAMES)
def test_a_new_lxd_is_not_kept_back_by_a_gone_unit(generation: str):
    """MAAS gave its machine, with its name, to the next unit."""
    app = ModelApp(cloud=Cloud(generation=generation), resource=Resource("old", "old"))
    for number in range(3):
        app.add(number)
    app.settle()
    left(app, "lxd/2")
    app.hook("lxd/0")
    app.add(3, "m2")
    app.settle()

    app.resource = Resource("new", "new")
    for _ in range(8):
        for unit in app.units:
            app.hook(unit)
        later(app, 60.0)

    assert {app.own(unit).snap for unit in app.units} == {"new"}


def test_a_member_that_leaves_is_waited_for():
    app = formed(4)
    leaving(app, "lxd/3")
    app.options["on_remove"] = "refuse"
    app.hook("lxd/3")
    app.hook("lxd/0")
    app.options["storage_pools"] = "more: dir"

    for unit in ("lxd/0", "lxd/1", "lxd/2"):
        app.hook(unit)

    status = app.plan("lxd/0").status
    assert status is None or status.kind is not Kind.BLOCKED


def test_a_dead_member_without_a_unit_is_removed_and_what_waited_goes_on():
    app = without(gone_without_notice(formed(4), "lxd/3"), "m3")

    changed(app, storage_pools="more: dir")

    assert names(app) == ["m0", "m1", "m2"]
    assert sorted(p.name for p in api(app).pools.list()) == ["local", "more"]


def test_units_that_form_again_do_not_take_over_the_data_of_a_bootstrap_unit_that_is_gone():
    app = ModelApp()
    for number in range(3):
        app.add(number)
    for name in ("lxd/0", "lxd/0", "lxd/0"):
        app.hook(name)
    assert app.app().cluster
    old = app.own("lxd/0")
    changed_data = old.model_copy(update={"storage": Storage(backend="zfs", pool="local")})
    app.databags["lxd/0"] = peers.dump(changed_data)
    app.units["lxd/0"].server.power_off()
    gone_without_notice(app, "lxd/0")
    app.leader = "lxd/1"
    # The leader leaves out units that Juju no longer has.
    alone = app.databags.pop("lxd/0")
    app.hook("lxd/1")
    app.app_data = peers.dump(form_again.form_again(app.view("lxd/1"), form_again.GONE))

    for _ in range(3):
        app.hook("lxd/1")
        app.databags["lxd/0"] = alone
        app.hook("lxd/2")
        del app.databags["lxd/0"]

    assert app.own("lxd/1").storage != changed_data.storage
    assert app.own("lxd/2").cluster == app.own("lxd/1").cluster != old.cluster


@pytest.mark.parametrize(
    ("goal_state", "expected"),
    [
        (hookcmds.GoalState(units={}, relations={}), True),
        (hookcmds.GoalState(units={"lxd/0": ALIVE}, relations={}), False),
        (hookcmds.Error(returncode=1, cmd=["goal-state"], stderr="ERROR i/o timeout"), False),
    ],
    ids=["gone", "there", "Juju does not say"],
)
def test_whether_a_unit_is_gone_at_this_moment(
    monkeypatch: pytest.MonkeyPatch, goal_state: hookcmds.GoalState | hookcmds.Error, expected: bool
):
    def answer() -> hookcmds.GoalState:
        if isinstance(goal_state, hookcmds.Error):
            raise goal_state
        return goal_state

    monkeypatch.setattr(hookcmds, "goal_state", answer)

    assert reading.is_gone("lxd/0") == expected


@pytest.mark.parametrize("delegated", [False, True])
def test_a_member_asks_for_juju_s_units_if_the_leader_cannot_look_after_members(
    delegated: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    app = formed(3)
    app.app_data |= {"delegated": "true"} if delegated else {}
    tools = tools_for(app, tmp_path, monkeypatch)

    assert tools.hook("lxd/1").count("goal-state") == delegated
