# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""All machines of a simulation, their common time and the network between them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from tests.lxd_model import copies, generations, heartbeats, times
from tests.lxd_model.copies import Recovery
from tests.lxd_model.operations import Operation, Work
from tests.lxd_model.records import JoinToken, Records, State
from tests.lxd_model.server import Server
from tests.lxd_model.truth import ClusterTruth, MemberTruth

Fault = Literal["", "refuse", "late", "timeout", "lost"]
_OF_CLUSTER = frozenset({"enable_cluster", "join_cluster"})


class Cloud:
    """The world of one simulation. It depends only on what is done to it.

    `now` is in virtual seconds. Every call of a port calls `pause(seconds, what)` before its effect
    and after it. There the engine may let others run, advance `now`, or raise to kill the hook; it
    must return at least `seconds` later. Each call asks `fault(machine, call)` once: "refuse" fails
    before any effect, "late" behaves as if LXD's database had not answered LXD, "timeout" answers
    nothing until the call's deadline and has no effect, "lost" has the effect and loses the answer.
    """

    def __init__(self, now: float = 1_000_000.0, generation: str = "5.21") -> None:
        self.now = now
        self.version = generations.generation(generation).version
        """The version of LXD that snapd installs, until it is changed."""
        self.revision = "100"
        """Its revision in the store."""
        self.released = {self.revision: self.version}
        """By revision: the versions that the store had."""
        self.pause: Callable[[float, str], None] = self._advance
        self.fault: Callable[[str, str], Fault] = _no_fault
        self.servers: dict[str, Server] = {}
        self.databases: list[Records] = []
        self.operations: list[Operation] = []
        self.finished: list[Operation] = []
        """Ended operations that LXD still lists for a short time."""
        self.tokens: list[JoinToken] = []
        """Every join token ever made."""
        self.destroyed_data: list[str] = []
        """Devices, and files in a Ceph, whose operator's data were wiped."""
        self.ceph_admins: set[str] = set()
        """Machines with the key of Ceph's default user."""
        self.in_cephfs: set[str] = set()
        """Files in file systems of the Ceph, as FILE-SYSTEM/PATH."""
        self.cut_off: list[str] = []
        """Instances that were moved to another network, with the old network."""
        self.unlinked: list[str] = []
        """Members that joined without the interface of a network that needs one."""
        self.hollow: list[str] = []
        """Pools that LXD calls created, and members where there is nothing of them."""
        self.stopped: list[str] = []
        """Instances that stopped because the snap was stopped, or because LXD could not move them.
        """
        self.two_writers: list[str] = []
        """Instances that were started on a second machine, with both machines."""
        self.recoveries: list[Recovery] = []
        """Every time that a copy of a database was made the only one."""
        self._cuts: set[frozenset[str]] = set()
        self._counter = 0

    def add(self, machine: str, hostname: str, address: str) -> Server:
        """A new machine: powered on, with snapd and without LXD."""
        server = Server(self, machine, hostname, address)
        self.servers[machine] = server
        return server

    def count(self) -> int:
        """A new number each time."""
        self._counter += 1
        return self._counter

    def cut(self, one: str, other: str) -> None:
        """Packets no longer pass between two machines."""
        self.tick()
        lose = [s for m in (one, other) if (s := self.servers.get(m)) and s.behind is None]
        before = [(s, kept) for s in lose if (kept := copies.kept(s))]
        self._cuts.add(frozenset((one, other)))
        for server, kept in before:
            if not server.has_database():
                server.behind = kept

    def heal(self) -> None:
        """All machines reach each other again."""
        self.tick()
        self._cuts.clear()

    def reachable(self, one: str, other: str) -> bool:
        """Whether packets pass between two machines, which must both be on."""
        if one == other:
            return True
        return not self._cuts or frozenset((one, other)) not in self._cuts

    def start(
        self, server: Server, kind: str, member: str, work: Work, description: str = ""
    ) -> Operation:
        """Lets a server's daemon start a piece of work; its first step happens at once.

        With a description it is an operation that LXD lists.
        """
        operation = Operation(server, server.run, kind, member, work, self.now, description)
        if description:
            operation.id = f"{self.count():08x}-0000-4000-8000-000000000000"
            operation.begun = self.now
            operation.location = server.name if server.records.clustered else "none"
            operation.resources = {"cluster": None} if kind in _OF_CLUSTER else None
        self.operations.append(operation)
        operation.step()
        return operation

    def tick(self) -> None:
        """Does what is due by now. Every change of the world calls it first."""
        while self.operations:
            first = min(self.operations, key=lambda o: -1.0 if o.done else o.due)
            if not first.done and first.due > self.now:
                break
            if first.done:
                self.operations.remove(first)
                if first.description:
                    self.finished.append(first)
            else:
                heartbeats.settle(self, first.due)
                first.step()
        heartbeats.settle(self, self.now)
        for server in self.servers.values():
            # A daemon that has its database, or is in no cluster, has nothing new to learn.
            starts = server.running and not server.opened and server.records.rows
            if starts or server.behind is not None:
                server.notice()
        if self.finished:
            self.finished = [o for o in self.finished if self._is_listed(o)]

    def _is_listed(self, operation: Operation) -> bool:
        """6.9 keeps operations in its database until their daemon is back."""
        if operation.cut:
            server = operation.server
            back = server.opened or (server.listening() and not server.records.clustered)
            return server.generation.newest and not back
        return self.now - operation.ended <= times.LISTED

    def clusters(self) -> tuple[ClusterTruth, ...]:
        """Every cluster whose database still exists somewhere."""
        self.tick()
        return tuple(self._truth(records) for records in self.databases)

    def holding(self, records: Records) -> list[Server]:
        """The servers with this database."""
        return [s for s in self.servers.values() if s.records is records]

    def _truth(self, records: Records) -> ClusterTruth:
        holding = [s for s in self.holding(records) if s.installed]
        return ClusterTruth(
            identity=records.identity,
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
