# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""LXD's database on a model machine."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from state import facts
from state.facts import DatabaseCopy, DatabaseNode
from tests.lxd_model import copies, times
from tests.lxd_model.records import Role
from values.addresses import host

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.lxd_model.server import Server

_ROLES = {
    Role.VOTER: facts.Role.VOTER,
    Role.STANDBY: facts.Role.STAND_BY,
    Role.SPARE: facts.Role.SPARE,
}


class ModelDatabase:
    """See `host.lxd_database.Database`."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.backups: list[str] = []
        self.pause: Callable[[str], None] = lambda _: None
        """Called at each moment during a recovery: a hook may be killed there."""
        self._recovering = False

    def backup(self, now: float) -> str:
        """A copy of the database: its path."""
        self._server.cloud.pause(0.0, "database.backup")
        path = f"/var/lib/lxd-cluster/backups/{now:.0f}"
        self.backups = [*self.backups, path][-7:]
        return path

    def backup_before(self, version: str) -> str:
        """A copy of it before another LXD changes it: its path."""
        self._server.cloud.pause(0.0, "database.backup_before")
        path = f"/var/lib/lxd-cluster/backups/before-{version}"
        self.backups = [*self.backups, path]
        return path

    def copy(self) -> DatabaseCopy | None:
        """The members with a database as this machine knows them, and the age of its copy."""
        server = self._server
        server.cloud.pause(times.REQUEST, "database.copy")
        behind = server.behind
        rows = (behind.records if behind is not None else server.records).members
        nodes = (DatabaseNode(host(row.address), row.name, _ROLES[row.role]) for row in rows)
        return DatabaseCopy(tuple(nodes), 1, copies.index(server)) if rows else None

    def listening(self, addresses: Iterable[str]) -> frozenset[str]:
        """The addresses of these at which LXD's port accepts connections.

        A frozen daemon accepts them, too: the kernel does it.
        """
        server = self._server
        cloud = server.cloud
        cloud.pause(times.REQUEST, "database.listening")
        asked = set(addresses)
        return frozenset(
            other.address
            for other in cloud.servers.values()
            if other.address in asked
            and _takes_connections(other)
            and cloud.reachable(server.machine, other.machine)
        )

    def recover(self) -> None:
        """This server's copy of the database is the only one now. Instances keep running."""
        server = self._server
        self._recovering = True
        self._step(times.DAEMON_START, "database.recover")
        server.kill_daemon()
        self._step(times.REQUEST, "database.recover")
        row = server.row()
        lost = row is None or (row.role is Role.SPARE and not row.has_copy)
        if not lost:
            _split(server)
        # A killed process does not get here.
        self._step(0.0, "database.recover")
        self.end_recovery()
        if lost:
            raise subprocess.CalledProcessError(1, "lxd cluster recover-from-quorum-loss")

    def recovering(self) -> bool:
        """Whether a recovery has begun here, and the daemon has not started since."""
        return self._recovering

    def end_recovery(self) -> None:
        """Starts the daemon that a recovery has stopped."""
        self._server.start_daemon()
        self._step(0.0, "database.end_recovery")
        self._recovering = False

    def _step(self, seconds: float, what: str) -> None:
        self._server.cloud.pause(seconds, what)
        self.pause(what)


def _split(server: Server) -> None:
    """The copy of the database there is a separate cluster from now on, with one voter: it."""
    server.cloud.recoveries.append(copies.recovered(server))
    own = server.behind.records if server.behind is not None else server.records
    records, server.behind = own.copy(), None
    for row in records.rows.values():
        row.role = Role.VOTER if row.number == server.number else Role.SPARE
    records.leader = ""
    records.headless = False
    server.records = records
    server.cloud.databases.append(records)


def _takes_connections(server: Server) -> bool:
    # An emptied LXD knows no address to listen at.
    return server.listening() and server.listeners.is_open
