# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Random operators, worlds and hooks: what is always true, and what is true at the end."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from pydantic import TypeAdapter

from lab.model.context import HookContext
from lab.model.hooks import HookRun
from lab.model.juju import Juju
from lab.model.rules import Rules
from lab.model.state import Resource, State, Unit
from lab.testing.world import World

STATE = TypeAdapter(State)
PICK = st.integers(min_value=0, max_value=1000)


class Legality:
    """What a unit's charm has heard, and whether it heard it in a legal order."""

    def __init__(self) -> None:
        self.hooks: list[str] = []
        self.joined: set[str] = set()
        self.pending = ""

    def hook_ended(self, run: HookRun) -> None:
        """A hook has ended without error."""
        before, kind = self.hooks, run.kind
        assert "remove" not in before
        assert ("install" in before) != (kind == "install")
        if kind in ("leader-elected", "config-changed", "start") or run.relation_id is not None:
            assert kind == "relation-created" or "relation-created" in before
        if kind == "start":
            assert "config-changed" in before
        if "start" in before and before[-1] == "upgrade-charm":
            assert kind == "config-changed"
        if "stop" in before:
            assert kind == "remove"
        if run.remote_unit:
            self._relation_hook_ended(run)
        self.hooks.append(kind)

    def _relation_hook_ended(self, run: HookRun) -> None:
        unit = run.remote_unit
        if self.pending:
            assert (run.kind, unit) == ("relation-changed", self.pending)
        self.pending = ""
        if run.kind == "relation-joined":
            assert unit not in self.joined
            self.joined.add(unit)
            self.pending = unit
        else:
            assert unit in self.joined
        if run.kind == "relation-departed":
            self.joined.remove(unit)


class AnyOrder(RuleBasedStateMachine):
    """One application with units that write to their peers at any time."""

    kept: Rules = "4.0"

    def __init__(self) -> None:
        super().__init__()
        self.world = World(self.kept)
        self.world.deploy(units=2)
        self.open: dict[str, HookContext] = {}
        self.legality: dict[str, Legality] = {}
        self.read: dict[str, dict[str, dict[str, str]]] = {}
        self.count = 0

    @property
    def juju(self) -> Juju:
        return self.world.juju

    def unit(self, pick: int) -> Unit | None:
        units = list(self.world.state.units.values())
        return units[pick % len(units)] if units else None

    # The operator.

    @precondition(lambda self: len(self.world.state.units) < 5)
    @rule()
    def add_unit(self):
        self.juju.add_units(self.world.now, "app")

    @rule(pick=PICK, force=st.booleans())
    def remove_unit(self, pick: int, force: bool):
        unit = self.unit(pick)
        if unit is not None:
            self.juju.remove_unit(self.world.now, unit.name, force=force)

    @rule(size=st.integers(min_value=0, max_value=3))
    def configure(self, size: int):
        self.juju.set_config("app", {"size": size})

    @rule()
    def attach_resource(self):
        self.juju.attach_resource("app", Resource("image"))

    @rule(pick=PICK)
    def run_action(self, pick: int):
        unit = self.unit(pick)
        if unit is not None:
            self.juju.run_action(self.world.now, unit.name, "plan")

    @rule(pick=PICK, retry=st.booleans())
    def resolved(self, pick: int, retry: bool):
        unit = self.unit(pick)
        if unit is None or unit.failure is None or unit.running is not None:
            return
        run = unit.failure.run
        self.juju.resolved(self.world.now, unit.name, retry=retry)
        if not retry:
            self.ended(run, None)

    # The world.

    @rule(seconds=st.sampled_from([1, 5, 40, 70, 300]))
    def time_goes_by(self, seconds: int):
        self.world.wait(seconds)

    @rule()
    def machines_come(self):
        self.world.machines_up()

    @rule()
    def machines_go(self):
        for machine in self.juju.machines_to_stop():
            self.juju.machine_destroyed(machine.id)

    @rule(pick=PICK)
    def machine_dies(self, pick: int):
        unit = self.unit(pick)
        if unit is not None and unit.agent == "up":
            self.juju.machine_lost(self.world.now, unit.machine)

    @rule(pick=PICK)
    def machine_reboots(self, pick: int):
        unit = self.unit(pick)
        if unit is not None and unit.agent != "allocating":
            self.juju.machine_rebooted(self.world.now, unit.machine)

    @rule(pick=PICK)
    def leadership_moves(self, pick: int):
        unit = self.unit(pick)
        if unit is not None:
            self.juju.move_leadership(self.world.now, "app", unit.name)

    @rule(lost=st.booleans(), late=st.booleans())
    def faults(self, lost: bool, late: bool):
        self.world.state.faults.lost_departures = lost
        self.world.state.faults.late_departures = late
        self.world.state.faults.early_departures = not late

    @rule()
    def the_controller_restarts(self):
        """Its contexts are lost, its state comes from the disk."""
        for name in list(self.world.state.units):
            self.juju.kill_running(self.world.now, name)
        self.world.juju = Juju(STATE.validate_json(STATE.dump_json(self.world.state)))

    # The agents.

    @rule(pick=PICK)
    def a_hook_begins(self, pick: int):
        unit = self.unit(pick)
        if unit is not None and self.juju.next_hook(self.world.now, unit.name) is not None:
            failure = unit.failure
            context = self.juju.start_hook(self.world.now, unit.name)
            assert failure is None or failure.run == context.run or context.run.task_id
            self.open[unit.name] = context

    @rule(pick=PICK, app=st.booleans())
    def a_hook_writes(self, pick: int, app: bool):
        if not self.open:
            return
        context = list(self.open.values())[pick % len(self.open)]
        if context.unit not in self.world.state.units or not context.relation_ids("peers"):
            return
        self.count += 1
        leads = context.is_leader(self.world.now)
        context.relation_set({"n": str(self.count)}, 0, app=app and leads)

    @rule(pick=PICK, end=st.sampled_from(["commit", "commit", "commit", "fail", "kill"]))
    def a_hook_ends(self, pick: int, end: str):
        if self.open:
            name = list(self.open)[pick % len(self.open)]
            self.end(self.open.pop(name), end)

    @rule(pick=PICK)
    def a_unit_runs_all_it_has(self, pick: int):
        unit = self.unit(pick)
        while unit is not None and self.juju.next_hook(self.world.now, unit.name) is not None:
            self.end(self.juju.start_hook(self.world.now, unit.name), "commit")

    def end(self, context: HookContext, end: str) -> None:
        read = None
        if end == "commit" and context.unit in self.world.state.units:
            read = self.look(context)
        outcome = getattr(self.juju, end)(self.world.now, context)
        if outcome == "committed":
            self.ended(context.run, read)

    def look(self, context: HookContext) -> dict[str, str] | None:
        """What the hook reads of its remote unit or application."""
        run = context.run
        if run.kind != "relation-changed":
            return None
        return context.relation_get(app=not run.remote_unit)

    def ended(self, run: HookRun, read: dict[str, str] | None) -> None:
        if run.task_id:
            return
        self.legality.setdefault(run.unit, Legality()).hook_ended(run)
        if read is not None:
            self.read.setdefault(run.unit, {})[run.remote_unit or run.remote_app] = read

    # What is always true.

    @invariant()
    def a_lease_has_one_holder_or_runs_out(self):
        app = self.world.state.applications["app"]
        accepted = [u.name for u in self.world.state.units.values() if u.leader_accepted]
        if app.lease is None:
            return
        assert set(accepted) <= {app.lease.holder}
        holder = self.world.state.units.get(app.lease.holder)
        if holder is None or holder.agent != "up":
            assert app.lease.expires is not None

    @invariant()
    def a_unit_sees_itself_in_no_list(self):
        for unit in self.world.state.units.values():
            for local in unit.relations.values():
                assert unit.name not in local.members

    @invariant()
    def an_agent_that_is_gone_runs_nothing(self):
        for unit in self.world.state.units.values():
            assert unit.agent == "up" or unit.running is None

    # What is true when nothing is left to do.

    def teardown(self):
        self.come_to_rest()
        state = self.world.state
        relation = state.relations[0]
        alive = set(state.units)
        assert set(relation.members) == alive
        for unit in state.units.values():
            assert set(unit.relations[0].members) == alive - {unit.name}
            if unit.name in self.legality:
                assert self.legality[unit.name].joined == alive - {unit.name}
            for name, version in unit.relations[0].members.items():
                assert version == relation.versions[name]
        self.check_last_read(relation.data)

    def come_to_rest(self) -> None:
        state = self.world.state
        state.faults.lost_departures = False
        for name in list(state.units):
            self.juju.kill_running(self.world.now, name)
        self.world.machines_up()
        for machine in list(state.machines.values()):
            if machine.status == "down":
                self.juju.machine_rebooted(self.world.now, machine.id)
        for unit in list(state.units.values()):
            if unit.failure is not None:
                self.juju.resolved(self.world.now, unit.name, retry=True)
        self.world.wait(100)
        self.run_all()
        # Some units may have left only now.
        self.juju.deliver_lost_departures()
        self.run_all()
        assert all(unit.life == "alive" for unit in state.units.values())

    def run_all(self) -> None:
        units = self.world.state.units
        while ready := [name for name in units if self.world.due(name) is not None]:
            for name in ready:
                if self.world.due(name) is not None:
                    self.end(self.juju.start_hook(self.world.now, name), "commit")

    def check_last_read(self, data: dict[str, dict[str, str]]) -> None:
        """No change is lost: the last hook about each peer has read its latest data."""
        lease = self.world.state.applications["app"].lease
        for unit in self.world.state.units.values():
            for name, read in self.read.get(unit.name, {}).items():
                wrote = lease is not None and name == "app" and unit.leader_accepted
                gone = name != "app" and name not in self.world.state.units
                assert wrote or gone or read == data[name]


class OnJuju36(AnyOrder):
    """The same by the rules of 3.6."""

    kept = "3.6"


for machine in (AnyOrder, OnJuju36):
    machine.TestCase.settings = settings(
        max_examples=40, stateful_step_count=60, deadline=None, derandomize=True
    )
TestAnyOrder = AnyOrder.TestCase
TestAnyOrderOnJuju36 = OnJuju36.TestCase
