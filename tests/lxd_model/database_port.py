"""LXD's database on a model machine."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from tests.lxd_model import times
from tests.lxd_model.records import Role

if TYPE_CHECKING:
    from tests.lxd_model.server import Server


class ModelDatabase:
    """See `database.Database`."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.backups: list[str] = []

    def backup(self, now: float) -> str:
        """A copy of the database: its path."""
        self._server.cloud.pause(0.0, "database.backup")
        path = f"/var/lib/lxd-cluster/backups/{now:.0f}"
        self.backups = [*self.backups, path][-7:]
        return path

    def voters_that_listen(self) -> tuple[tuple[str, ...], int]:
        """The voters whose port takes connections, and how many voters there are.

        A daemon that stands still takes them too: the kernel does it.
        """
        server = self._server
        cloud = server.cloud
        cloud.pause(times.REQUEST, "database.voters_that_listen")
        voters = server.records.voters
        listening = (
            row.address
            for row in voters
            if _takes_connections(cloud.servers[row.server])
            and cloud.reachable(server.machine, row.server)
        )
        return tuple(listening), len(voters)

    def recover(self) -> None:
        """This server's copy of the database is all there is from now on. Instances go on."""
        server = self._server
        server.cloud.pause(times.DAEMON_START, "database.recover")
        server.kill_daemon()
        try:
            server.cloud.pause(times.REQUEST, "database.recover")
            row = server.row()
            if row is None or (row.role is Role.SPARE and not row.has_copy):
                raise subprocess.CalledProcessError(1, "lxd cluster recover-from-quorum-loss")
            server.split()
        finally:
            server.start_daemon()


def _takes_connections(server: Server) -> bool:
    # An LXD that was emptied knows no address to listen at.
    return server.listening() and any(server.listeners.addresses())
