# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The end of every simulation: no more faults, and an operator who does what the statuses say."""

from __future__ import annotations

from lab.model.rules import NEWEST
from lab.model.state import Unit
from state.lxd_objects import OWN_VOLUMES
from tests.lxd_model.records import State
from tests.lxd_model.server import Server
from tests.simulation.commands import Commands
from tests.simulation.engine import APP
from tests.simulation.obedient_operator import ObedientOperator, status_of
from tests.simulation.site import Site
from tests.simulation.tasks import Violation

LONGEST = 5 * 3600.0
"""Seconds until everything must be healthy."""
HOOKS = 60
"""Hooks for each unit and event until everything must be healthy."""
LOOKS = 90.0
"""Seconds between the operator's looks at `juju status`."""
ROUND = 310.0
"""Seconds until every unit has had its update-status."""

CONVERGES = "does not converge"
TORN = "an application's removal leaves something undone"
RESTLESS = "plans something though all is well"


class Ending:
    """Lets a world become idle, and checks whether it is as it should be."""

    def __init__(self, site: Site, commands: Commands) -> None:
        self.site = site
        self.engine = site.engine
        self.ledger = site.ledger
        self.operator = ObedientOperator(site, commands)

    def run(self) -> None:
        """Raises Violation if the application does not converge."""
        engine = self.engine
        self._end_faults()
        engine.note("=== no more faults; the operator does what the statuses say", "")
        first, end = engine.hooks, engine.now + LONGEST
        allowed = HOOKS * (len(engine.units) + self.ledger.happened + 2)
        while not self._stays_so():
            if engine.now > end or engine.hooks - first > allowed:
                hooks = engine.hooks - first
                raise Violation(CONVERGES, f"after {hooks} hooks: {self._standing()}")
            self.operator.look()
            engine.run_until(engine.now + LOOKS)
        self._plans_nothing()
        if engine.schedule.removes_application:
            self._remove_application()

    def _end_faults(self) -> None:
        engine, cloud = self.engine, self.engine.cloud
        engine.faults_over = True
        engine.waiting_kills.clear()
        for task in engine.tasks.values():
            task.kill_in, task.commit_fault = -1, ""
        engine.slow.clear()
        engine.skew.clear()
        cloud.heal()
        faults = engine.juju.state.faults
        faults.late_departures = False
        if not engine.schedule.departures_never_told:
            faults.lost_departures = False
            engine.juju.deliver_lost_departures()
        values = {"storage-backend": engine.schedule.storage_backend}
        engine.juju.set_config(APP, values)
        engine.juju.reset_config(
            APP, ["network-ipv4", "storage-size", "storage-devices", "on-remove"]
        )
        for server in cloud.servers.values():
            self._mend(server)
        for unit in list(engine.units.values()):
            destroyed = engine.cloud.servers.get(unit.machine)
            if destroyed is not None and destroyed.destroyed:
                self.site.force_remove(unit.name)
            elif unit.agent == "down":
                engine.juju.agent_back(engine.now, unit.name)

    def _mend(self, server: Server) -> None:
        server.thaw()
        if not server.powered:
            self.site.on(server)
        elif not server.running:
            server.start_daemon()

    def _remove_application(self) -> None:
        """`juju remove-application`: nothing in it is lost without the operator's permission.

        As on MAAS, machines go with their units; or they outlive the application. In that case an
        empty cluster stays as it is, and members of another one leave until the last has
        everything. Juju 4 lets the last unit go although its hook fails, and its machine with it:
        no charm can keep its data, and the documentation says so.
        """
        engine = self.engine
        engine.note("juju remove-application", "operator")
        keeps = engine.schedule.seed % 2 == 0 or engine.schedule.juju == NEWEST
        engine.keeps = lambda _: keeps
        before, held = self._clusters(), self._things()
        engine.juju.remove_application(engine.now, APP)
        end = engine.now + LONGEST
        while engine.units and engine.now < end:
            engine.run_until(engine.now + ROUND)
            self._leave_all_behind()
        if engine.units:
            raise Violation(TORN, f"still there: {', '.join(engine.units)}")
        if keeps:
            self._outlives(before, held)

    def _outlives(self, before: list[tuple[str, ...]], held: list[str]) -> None:
        after = self._clusters()
        if self._things() != held:
            raise Violation(TORN, f"{held} before, {self._things()} after")
        if not held and after != before:
            raise Violation(TORN, f"{before} before, {after} after")
        if not all(any(set(one) <= set(other) for other in before) for one in after):
            raise Violation(TORN, f"{before} before, {after} after")

    def _leave_all_behind(self) -> None:
        """The last unit is held while its cluster has something: the operator gives permission."""
        engine = self.engine
        held = [u for u in engine.units.values() if u.failure is not None and u.running is None]
        for unit in held:
            engine.juju.set_config(APP, {"on-remove": "abandon"})
            engine.juju.resolved(engine.now, unit.name)

    def _clusters(self) -> list[tuple[str, ...]]:
        """By cluster, the machines of its members, including members without a unit."""
        servers = self.engine.cloud.servers.values()
        return sorted({tuple(sorted(members)) for s in servers if (members := _members_of(s))})

    def _things(self) -> list[str]:
        """All of the operator's objects on the disks of the machines."""
        servers = self.engine.cloud.servers.values()
        return sorted({thing for s in servers for thing in s.disk if not _is_own(thing)})

    # The actual state.

    def _stays_so(self) -> bool:
        """Whether nothing is left to do, also after another hook of every unit."""
        if not self._rests():
            return False
        self.engine.run_until(self.engine.now + ROUND)
        return self._rests()

    def _rests(self) -> bool:
        """Whether all units are members, all say so, and nothing is in progress."""
        engine = self.engine
        if not engine.units:
            return True
        application = engine.juju.state.applications[APP].status
        return (
            not engine.tasks
            and application is not None
            and application.current == "active"
            and all(self._is_well(unit) for unit in engine.units.values())
            and self._members() == {u.machine for u in engine.units.values()}
        )

    def _is_well(self, unit: Unit) -> bool:
        return (
            unit.life == "alive"
            and unit.failure is None
            and unit.workload.current == "active"
            and self.engine.juju.next_hook(self.engine.now, unit.name) is None
        )

    def _members(self) -> set[str]:
        """The machines of the members of the units' cluster."""
        for unit in self.engine.units.values():
            server = self.engine.cloud.servers.get(unit.machine)
            if server is not None and (members := _members_of(server)):
                return set(members)
        return set()

    def _standing(self) -> str:
        engine = self.engine
        lines = [f"{u.name} {status_of(u)}" for u in engine.units.values()]
        status = engine.juju.state.applications[APP].status
        lines.append(f"application {status.current}: {status.message}" if status else "no status")
        return f"members {sorted(self._members())}; " + "; ".join(lines)

    def _plans_nothing(self) -> None:
        """Everything is healthy: another look of every unit must find the same."""
        engine = self.engine
        asked = [engine.juju.run_action(engine.now, unit, "plan") for unit in engine.units]
        # The leader looks twice: for the plan, and for the application's status.
        engine.run_until(engine.now + 2 * LOOKS)
        for task in (engine.juju.state.tasks[number] for number in asked):
            if task.status != "completed" or task.results.get("plan") != "nothing to do":
                raise Violation(RESTLESS, f"{task.unit}: {task.results or task.message}")


def _is_own(thing: str) -> bool:
    """Whether it is a volume of the charm's, which the charm deletes when it leaves."""
    return thing.startswith("volume ") and thing.rpartition("/")[2] in OWN_VOLUMES


def _members_of(server: Server) -> frozenset[str]:
    """The machines of the members of a machine's cluster."""
    if server.destroyed or server.row() is None:
        return frozenset()
    rows = server.records.rows.values()
    return frozenset(r.server for r in rows if r.state is not State.PENDING)
