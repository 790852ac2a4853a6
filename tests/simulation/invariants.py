# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""What must never happen, in any order of events. Checked against the true state."""

from __future__ import annotations

import json

import deadlines
from lab.model.context import HookContext
from lab.model.hooks import HookOutcome
from lab.model.state import Unit
from lxd import join_tokens
from records import loss_record
from state.lxd_objects import OWN_VOLUMES
from steps.forming import EnableCluster
from steps.leaving import AbandonMember, LeaveCluster, MoveOffDead, RemoveMember
from steps.plan import Step
from tests.lxd_model import heartbeats
from tests.lxd_model.api.operations import details
from tests.lxd_model.records import JoinToken, Records, Row, State
from tests.lxd_model.server import Server
from tests.simulation.commands import held_on
from tests.simulation.engine import APP, Engine
from tests.simulation.ledger import Ledger
from tests.simulation.losses import THEIRS, Losses
from tests.simulation.site import notes_of
from tests.simulation.tasks import Task, Violation

_SETTLED = 60.0
"""A forced removal of a member that was online for so many seconds is a mistake."""

TOKENS = "a join token is in plain data"
CLUSTERS = "two clusters"
REMOVED = "a member is removed that Juju wants"
WIPED = "a member is wiped"
FORCED = "a member is removed by force that has its unit or lives"
JOINS = "two joins at once"
DATA = "data is gone"
UNLINKED = "a member has no interface for a network"
HOLLOW = "a pool that LXD calls created is not there"
CUT_OFF = "an instance was moved to another network"
TWICE = "an instance runs on two machines"
UNRECORDED = "a loss is not recorded"
BOOTSTRAP = "a bootstrap that is not on record"
WRITES = "too many writes to peer data"


def packed(token: JoinToken) -> str:
    """A join token in the format that the charm gets from LXD."""
    return join_tokens.pack(details(token))


class Invariants:
    """Watches an engine. Raises Violation."""

    def __init__(self, engine: Engine, ledger: Ledger) -> None:
        self.engine = engine
        self.ledger = ledger
        self.writes: dict[str, int] = {}
        self._rows: dict[int, tuple[str, str]] = {}
        """By number: a member's name and machine."""
        self._online: dict[int, float] = {}
        self._disk: dict[str, str] = {}
        self._tokens: list[str] = []
        self._moving: dict[str, Task] = {}
        """By instance: the last hook that moved it off a dead member."""
        self.losses = Losses(engine, ledger)
        engine.on_step.append(self.step)
        engine.on_commit = self.commit
        engine.on_event = self.event
        engine.on_loss = self.check

    # When the checks run.

    def step(self, task: Task, step: Step) -> None:
        """A unit is about to execute a step."""
        if isinstance(step, LeaveCluster | AbandonMember):
            self.losses.leaving(task.machine, step)
        self.check()
        if isinstance(step, EnableCluster):
            self._bootstrap(task)
        elif isinstance(step, RemoveMember):
            self._removal(task, step)
        elif isinstance(step, AbandonMember):
            self._abandonment(task, step)
        elif isinstance(step, MoveOffDead):
            self._moving[f"{step.project}/{step.name}"] = task

    def commit(self, task: Task, outcome: HookOutcome) -> None:
        """A hook has ended."""
        self.check()
        if outcome != "committed" or task.stage is None:
            return
        self._let_go(task, task.stage.context)
        written = task.stage.context.writes.relations
        for (_, bag), changes in written.items():
            self.writes[bag] = self.writes.get(bag, 0) + 1
            self._no_token(bag, changes)

    def _let_go(self, task: Task, context: HookContext) -> None:
        """A unit with `on-remove=abandon` is given up, with everything on its machine."""
        unit = self.engine.units.get(task.unit)
        gone = unit is None or unit.life == "dying"
        if gone and context.config.get("on-remove") == "abandon":
            self.ledger.given_up.add(task.machine)

    def event(self) -> None:
        """Something happened."""
        for records in self.engine.cloud.databases:
            if len(records.joining) > 1:
                self._joining(records)

    def check(self) -> None:
        """Everything that can be checked at any moment."""
        self.engine.cloud.tick()
        self._one_cluster()
        self._members()
        self.losses.check()
        self._data()
        if self.engine.cloud.destroyed_data:
            raise Violation(DATA, self.engine.cloud.destroyed_data[0])
        if self.engine.cloud.cut_off:
            raise Violation(CUT_OFF, self.engine.cloud.cut_off[0])
        if self.engine.cloud.unlinked:
            raise Violation(UNLINKED, self.engine.cloud.unlinked[0])
        if twice := [one for one in self.engine.cloud.two_writers if not self._unguarded(one)]:
            raise Violation(TWICE, twice[0])
        if self.engine.cloud.hollow:
            raise Violation(HOLLOW, self.engine.cloud.hollow[0])

    def _unguarded(self, twice: str) -> bool:
        """Whether the machine that took an instance off a dead member went down within that step.

        LXD cannot move an instance and keep it stopped in one request, and its daemon starts what
        ran before. docs/how-to/recover.md says so.
        """
        mover = self._moving.get(twice.split(maxsplit=1)[0])
        return mover is not None and mover.killed and isinstance(mover.step, MoveOffDead)

    # The cluster.

    def _trusted(self) -> list[Server]:
        """Machines that the operator has not given up."""
        servers = self.engine.cloud.servers.values()
        not_ours = self.ledger.given_up | self.ledger.theirs
        return [s for s in servers if not s.destroyed and s.machine not in not_ours]

    def _databags(self) -> dict[str, dict[str, str]]:
        """The committed data of the peer relation; empty once the application is gone."""
        relations = self.engine.juju.state.relations.values()
        return next((relation.data for relation in relations), dict[str, dict[str, str]]())

    def _one_cluster(self) -> None:
        known = {s.records.identity for s in self._trusted() if s.records.clustered}
        if len(known) > 1:
            raise Violation(CLUSTERS, ", ".join(sorted(known)))
        bags, units = self._databags(), self.engine.units
        identities = {bag["cluster"] for u, bag in bags.items() if u in units and "cluster" in bag}
        if len(identities) > 1:
            raise Violation(CLUSTERS, f"units tell of {', '.join(sorted(identities))}")

    def _bootstrap(self, task: Task) -> None:
        named = json.loads(self._databags()[APP].get("bootstrap", '""'))
        if named != task.unit:
            raise Violation(BOOTSTRAP, f"{task.unit} bootstraps, {named or 'nobody'} is named")

    def _members(self) -> None:
        now: dict[int, tuple[str, str]] = {}
        machines = self.engine.cloud.servers
        for records in self.engine.cloud.databases:
            for row in records.rows.values():
                if row.state is State.PENDING:
                    continue
                self._note_online(records, row)
                # A machine has started again after a failed join: its row is empty.
                if machines[row.server].number == row.number:
                    now[row.number] = (row.name, row.server)
        if now.keys() >= self._rows.keys():
            self._rows = now
            return
        wanted = {u.machine: u for u in self.engine.units.values() if u.life == "alive"}
        for number, (name, machine) in self._rows.items():
            if number in now or name in self.ledger.removed or machine in self.ledger.given_up:
                continue
            if machine not in wanted or machines[machine].destroyed:
                continue
            if machines[machine].number == number:
                raise Violation(REMOVED, f"{name} of {wanted[machine].name}")
            self._not_wiped(number, name, machine, wanted)
        self._rows = now

    def _not_wiped(self, number: int, name: str, machine: str, wanted: dict[str, Unit]) -> None:
        """A machine that is no longer a member, although its cluster did not remove it."""
        rows = (r for d in self.engine.cloud.databases for r in d.rows.values())
        unit = wanted.get(machine)
        if unit is None or all(r.number != number for r in rows):
            return
        if self._databags().get(unit.name, {}).get("cluster"):
            raise Violation(WIPED, f"{name} of {unit.name}")

    def _note_online(self, records: Records, row: Row) -> None:
        # LXD calls a dead evacuated member only "evacuated".
        if heartbeats.offline(records, row, self.engine.now):
            self._online.pop(row.number, None)
        else:
            self._online.setdefault(row.number, self.engine.now)

    def _removal(self, task: Task, step: RemoveMember) -> None:
        server = self.engine.cloud.servers[task.machine]
        row = server.records.rows.get(step.name)
        if row is None:
            return
        unit = next((u for u in self.engine.units.values() if u.machine == row.server), None)
        its_server = self.engine.cloud.servers[row.server]
        if row.server in self.ledger.theirs:
            raise Violation(THEIRS, step.name)
        if unit is not None and its_server.number == row.number:
            raise Violation(FORCED, f"{step.name} belongs to {unit.name}, which Juju knows")
        since = self._online.get(row.number)
        # Possibly nobody has looked while it was off.
        if since is not None and self.engine.now - max(since, its_server.ready) > _SETTLED:
            raise Violation(FORCED, f"{step.name} is online")

    def _abandonment(self, task: Task, step: AbandonMember) -> None:
        assert task.stage is not None
        if task.stage.context.config.get("on-remove") != "abandon":
            raise Violation(DATA, f"{task.unit} abandons {', '.join(step.left)}")
        records = self.engine.cloud.servers[task.machine].records
        self.losses.abandonment(step, records)
        for thing in held_on(records, step.name):
            self.ledger.deleted.add(str(thing))

    def _joining(self, records: Records) -> None:
        now = self.engine.now
        # A join that hangs for longer was given up by its own unit, wherever that is.
        at_it = [n for n, begun in records.joining.items() if now - begun < deadlines.JOIN]
        if len(at_it) > 1:
            raise Violation(JOINS, ", ".join(at_it))

    # What holds data.

    def _data(self) -> None:
        if not self.ledger.made:
            return
        servers = self.engine.cloud.servers.values()
        disk = {
            thing: s.machine
            for s in servers
            if not s.destroyed
            for thing in s.disk
            # The charm makes and deletes these.
            if thing.rpartition("/")[2] not in OWN_VOLUMES and not self._is_left_copy(thing, s)
        }
        for thing, machine in self._disk.items():
            gone = thing not in disk and thing not in self.ledger.deleted
            if gone and machine not in self.ledger.given_up:
                raise Violation(DATA, f"{thing} was on machine {machine}")
        self._disk = disk
        self._on_record()

    def _is_left_copy(self, thing: str, server: Server) -> bool:
        """Whether it is an image's copy on a machine that has left: the other copies count."""
        if not thing.startswith("image ") or server.records.clustered:
            return False
        return server.machine not in {unit.machine for unit in self.engine.units.values()}

    def _on_record(self) -> None:
        known: set[str] = set()
        for records in self._databases():
            known.update(map(str, records.instances.values()))
            known.update(map(str, records.volumes.values()))
            known.update(map(str, records.buckets.values()))
            for things in loss_record.read(notes_of(records)).values():
                known.update(things)
        for thing in self.ledger.made:
            # LXD does not tell which members have an image, so the charm could not record it.
            if thing.startswith("image "):
                continue
            if thing not in known and thing not in self.ledger.deleted:
                raise Violation(UNRECORDED, f"the cluster knows nothing of {thing}")

    def _databases(self) -> list[Records]:
        """All databases, except those that a recovery has replaced on every machine."""
        found = self.engine.cloud.databases
        if not self.engine.cloud.recoveries:
            return found
        held = [s.records for s in self.engine.cloud.servers.values() if not s.destroyed]
        # After the application and all its machines, nobody is left to know anything.
        return [r for r in found if any(r is one for one in held)] or found

    # What is published.

    def _no_token(self, bag: str, changes: dict[str, str]) -> None:
        for key, value in changes.items():
            for token in self._all_tokens():
                if token in value:
                    raise Violation(TOKENS, f"{key} of {bag}")

    def _all_tokens(self) -> list[str]:
        """Every join token ever made, as `lxc cluster add` shows it."""
        made = self.engine.cloud.tokens
        self._tokens += [packed(token) for token in made[len(self._tokens) :]]
        return self._tokens

    def writes_bounded(self) -> None:
        """At the end: how often units wrote, compared with the number of events."""
        allowed = 8 + 3 * len(self.writes) + 4 * self.ledger.happened
        for bag, count in self.writes.items():
            if count > allowed:
                raise Violation(WRITES, f"{count} to {bag}")
