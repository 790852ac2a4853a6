# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The invariants of losses other than lost data."""

from __future__ import annotations

from records import member_marks
from steps.leaving import AbandonMember, LeaveCluster
from tests.lxd_model import heartbeats, instances
from tests.lxd_model.records import Records, Row, State
from tests.lxd_model.server import Server
from tests.simulation.engine import Engine
from tests.simulation.ledger import Ledger
from tests.simulation.site import notes_of
from tests.simulation.tasks import Violation

STOPPED = "an instance is stopped that nobody stopped"
MOVED = "an instance is moved without its device"
OUTDATED = "an old copy of the database is recovered"
THEIRS = "a member is removed that is the operator's own"
OTHER_UNITS = "a unit takes the member of another one out"
GIVEN_UP = "an instance is given up that could move"


class Losses:
    """Watches what is stopped, moved, recovered and removed. Raises Violation."""

    def __init__(self, engine: Engine, ledger: Ledger) -> None:
        self.engine = engine
        self.ledger = ledger
        self._stopped = 0
        self._recoveries = 0
        self._theirs: dict[str, int] = {}
        """By machine: the number of the operator's own member."""

    def check(self) -> None:
        """Everything that can be checked at any moment."""
        cloud = self.engine.cloud
        if len(cloud.stopped) > self._stopped:
            self._nobody_stopped(cloud.stopped[self._stopped :])
            self._stopped = len(cloud.stopped)
        if len(cloud.recoveries) > self._recoveries:
            self._newest_recovered()
        if self.ledger.fixed:
            self._stay()
        if self.ledger.theirs:
            self._theirs_stay()

    def _nobody_stopped(self, names: list[str]) -> None:
        for name in (text.removesuffix(", ephemeral") for text in names):
            machines = {row.server for row in self._members_with(name)}
            if name not in self.ledger.deleted and not machines <= self.ledger.hands:
                raise Violation(STOPPED, name)

    def _members_with(self, name: str) -> list[Row]:
        return [
            records.rows[i.location]
            for records in self.engine.cloud.databases
            for i in records.instances.values()
            if str(i) == name and i.location in records.rows
        ]

    def _newest_recovered(self) -> None:
        """Data that only older copies of the database miss is not the charm's mistake: no other
        copy was left.
        """
        for recovery in self.engine.cloud.recoveries[self._recoveries :]:
            left = {m: n for m, n in recovery.others.items() if m not in self.ledger.given_up}
            newer = [m for m, n in left.items() if n > recovery.index]
            if newer:
                copies = f"machine {recovery.machine} at {recovery.index}, machine {newer[0]} has"
                raise Violation(OUTDATED, f"{copies} {left[newer[0]]}")
            self.ledger.deleted.update(recovery.missed)
        self._recoveries = len(self.engine.cloud.recoveries)

    def _stay(self) -> None:
        for name, machine in self.ledger.fixed.items():
            for row in self._members_with(name):
                if row.server != machine and name not in self.ledger.deleted:
                    raise Violation(MOVED, f"{name} from machine {machine} to {row.server}")

    def _theirs_stay(self) -> None:
        now: dict[str, int] = {}
        for records in self.engine.cloud.databases:
            for row in records.rows.values():
                if row.server in self.ledger.theirs and row.state is not State.PENDING:
                    now[row.server] = row.number
        for machine, number in self._theirs.items():
            server = self.engine.cloud.servers[machine]
            if now.get(machine) != number and not self._was_removed(server):
                raise Violation(THEIRS, f"of machine {machine}")
        self._theirs = now

    def _was_removed(self, server: Server) -> bool:
        names = {server.name, server.hostname}
        return server.destroyed or bool(names & self.ledger.removed)

    def leaving(self, machine: str, step: LeaveCluster | AbandonMember) -> None:
        """A unit takes only the member on its own machine out of the cluster."""
        row = self.engine.cloud.servers[machine].records.rows.get(step.name)
        if row is not None and row.server != machine:
            raise Violation(
                OTHER_UNITS, f"{step.name} of machine {row.server} by machine {machine}"
            )

    def abandonment(self, step: AbandonMember, records: Records) -> None:
        """The charm must try to move what can move before it gives it up."""
        member = records.rows.get(step.name)
        if member is None or not self._targets(records, member):
            return
        tried = member_marks.unmoved(step.name, notes_of(records))
        for instance in records.on(step.name):
            moves = instances.moves(records, instance) and not instance.ephemeral
            if moves and str(instance) not in tried:
                raise Violation(GIVEN_UP, str(instance))

    def _targets(self, records: Records, member: Row) -> list[Row]:
        staying = {u.machine for u in self.engine.units.values() if u.life == "alive"}
        return [
            row
            for row in records.members
            if row is not member
            and row.server in staying
            and heartbeats.status(records, row, self.engine.now) == "ONLINE"
            and self.engine.cloud.servers[member.server].hears(row)
            and row.config.get("scheduler.instance") != "manual"
        ]
