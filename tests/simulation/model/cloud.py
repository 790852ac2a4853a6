"""All machines of a simulation, the time they share and the network between them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from tests.simulation.model import heartbeats
from tests.simulation.model.operations import Operation, Work
from tests.simulation.model.records import Records, State
from tests.simulation.model.server import Server
from tests.simulation.model.truth import ClusterTruth, MemberTruth

Fault = Literal["", "refuse", "timeout", "lost"]


class Cloud:
    """The world of one simulation. Nothing in it depends on anything but what is done to it.

    `now` is in virtual seconds. Every call of a port says `pause(seconds, what)` before its effect
    and after it: the engine may let others go on there, advance `now`, or raise to kill the hook;
    it must return no earlier than `seconds` later. `fault(machine, call)` is asked once by each
    call: "refuse" fails before any effect, "timeout" says nothing until the call's deadline and
    has no effect, "lost" has the effect and loses the answer.
    """

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.now = now
        self.pause: Callable[[float, str], None] = self._advance
        self.fault: Callable[[str, str], Fault] = _no_fault
        self.servers: dict[str, Server] = {}
        self.databases: list[Records] = []
        self.operations: list[Operation] = []
        self.destroyed_data: list[str] = []
        """Devices of which an operator's data were wiped."""
        self.cut_off: list[str] = []
        """Instances that were moved to another network, and from which one."""
        self.unlinked: list[str] = []
        """Members that joined without an interface for a network that is on one."""
        self._cuts: set[frozenset[str]] = set()
        self._counter = 0

    def add(self, machine: str, hostname: str, address: str) -> Server:
        """A new machine: powered on, with snapd and without LXD."""
        server = Server(self, machine, hostname, address)
        self.servers[machine] = server
        return server

    def count(self) -> int:
        """Another number each time."""
        self._counter += 1
        return self._counter

    def cut(self, one: str, other: str) -> None:
        """No packet passes between two machines any more."""
        self.tick()
        self._cuts.add(frozenset((one, other)))

    def heal(self) -> None:
        """All machines reach each other again."""
        self.tick()
        self._cuts.clear()

    def reachable(self, one: str, other: str) -> bool:
        """Whether packets pass between two machines that are both on."""
        if one == other:
            return True
        return not self._cuts or frozenset((one, other)) not in self._cuts

    def start(self, server: Server, kind: str, member: str, work: Work) -> Operation:
        """Lets a server's daemon begin a piece of work; its first step is done at once."""
        operation = Operation(server, server.run, kind, member, work, self.now)
        self.operations.append(operation)
        operation.step()
        return operation

    def tick(self) -> None:
        """Does what is due by now. Whatever changes the world calls it first."""
        while self.operations:
            first = min(self.operations, key=lambda o: -1.0 if o.done else o.due)
            if not first.done and first.due > self.now:
                break
            if first.done:
                self.operations.remove(first)
            else:
                heartbeats.settle(self, first.due)
                first.step()
        heartbeats.settle(self, self.now)
        for server in self.servers.values():
            server.notice()

    def clusters(self) -> tuple[ClusterTruth, ...]:
        """Every cluster that was ever made and that a database still exists of."""
        self.tick()
        return tuple(self._truth(records) for records in self.databases)

    def holding(self, records: Records) -> list[Server]:
        """The servers that have this database."""
        return [s for s in self.servers.values() if s.records is records]

    def _truth(self, records: Records) -> ClusterTruth:
        holding = [s for s in self.holding(records) if s.installed]
        return ClusterTruth(
            fingerprint=records.fingerprint,
            members=tuple(
                MemberTruth(
                    row.name,
                    row.server,
                    "PENDING"
                    if row.state is State.PENDING
                    else heartbeats.status(records, row, self.now),
                    row.role.value,
                )
                for row in records.rows.values()
            ),
            leader=heartbeats.leader(self, records, self.now),
            believers=frozenset(s.machine for s in holding),
            answering=frozenset(s.machine for s in holding if s.has_database()),
            joining=tuple(records.joining),
            instances=tuple(records.instances.values()),
            volumes=tuple(records.volumes.values()),
            tokens={n: t.secret for n, t in records.tokens.items() if t.expires > self.now},
        )

    def _advance(self, seconds: float, what: str) -> None:
        del what
        self.now += seconds


def _no_fault(machine: str, call: str) -> Fault:
    del machine, call
    return ""
