# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""LXD's database on this machine: its copies, and its recovery when most voters are lost."""

from __future__ import annotations

import errno
import io
import os
import shutil
import socket
import subprocess
import tarfile
import time
from collections.abc import Iterable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from host import lxd_daemon, raft_log
from host.commands import run
from state.facts import DatabaseCopy, DatabaseNode, Role
from values.addresses import PORT, host

BACKUPS = Path("/var/lib/lxd-cluster/backups")
KEPT = 7
"""Number of copies that are kept; older ones are deleted."""

_PARTIAL = ".new"
_SPARE = 64 << 20
"""Bytes that stay free for LXD and other programs."""

_LXD = "/snap/bin/lxd"
_SNAP = "/usr/bin/snap"
_DATABASE = Path("/var/snap/lxd/common/lxd/database")
_CONNECT = 2.0
"""Seconds for a member to accept a connection."""


class Database:
    """The database's files, and LXD's own tools for them."""

    def __init__(self, backups: Path = BACKUPS, files: Path = _DATABASE) -> None:
        self._backups = backups
        self._files = files
        self._recovering = backups.parent / "recovering"

    def backup(self, now: float) -> str:
        """Copies the files, and the running database's answer as text; returns the path.

        The text is consistent by itself. Without a quorum the files are the only copy. Raises
        OSError.
        """
        moment = datetime.fromtimestamp(now, timezone.utc).strftime("%Y-%m-%dT%H-%M-%SZ")
        path = self._write(f"database-{moment}.tar.gz", now)
        # The clock may have gone back: the new copy stays, whatever its name says.
        others = sorted(copy for copy in self._backups.glob("database-*.tar.gz") if copy != path)
        for outdated in others[: -(KEPT - 1)]:
            outdated.unlink()
        return str(path)

    def backup_before(self, version: str) -> str:
        """The same, before LXD `version` changes the database, which cannot go back.

        LXD itself does not copy a cluster's database. There is one copy for each version. If the
        installation is tried again, the copy is made again. Raises OSError.
        """
        return str(self._write(f"before-{version}.tar.gz", time.time()))

    def _write(self, name: str, now: float) -> Path:
        self._backups.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._backups / name
        # A hook that was killed has left this.
        for partial in self._backups.glob(f"*{_PARTIAL}"):
            partial.unlink()
        self._need_room()
        new = path.with_suffix(_PARTIAL)
        try:
            self._write_to(new, now)
            new.replace(path)
        finally:
            new.unlink(missing_ok=True)
        return path

    def _need_room(self) -> None:
        """Raises OSError if a copy could fill the disk, which LXD's database uses, too."""
        files = (path for path in self._files.rglob("*") if path.is_file())
        # The text is beside the files, and compression may not shrink either of them.
        needed = 2 * sum(path.stat().st_size for path in files) + _SPARE
        free = shutil.disk_usage(self._backups).free
        if free < needed:
            space = f"{free >> 20} MiB free, {needed >> 20} needed"
            raise OSError(errno.ENOSPC, f"no room for a copy of the database ({space})")

    def _write_to(self, new: Path, now: float) -> None:
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file, tarfile.open(fileobj=file, mode="w:gz") as tar:
            for database in ("global", "local"):
                _add_text(tar, f"{database}.sql", self._dump(database), now)
            tar.add(self._files, "database", filter=_regular)
            tar.close()
            file.flush()
            os.fsync(file.fileno())

    def _dump(self, name: str) -> bytes:
        """A database as SQL. Empty while it does not answer."""
        try:
            return self.tool("sql", name, ".dump").encode()
        except subprocess.SubprocessError:
            return b""

    def tool(self, *arguments: str) -> str:
        """The output of LXD's own tool for its database. Raises SubprocessError."""
        return run(_LXD, *arguments)

    def copy(self) -> DatabaseCopy | None:
        """The members with the database as this machine knows them, and the age of its copy here.

        LXD reads the list from this machine's disk, so it always answers. A copy without entries,
        such as a spare's, has the index 0. None if the list cannot be read.
        """
        import yaml

        try:
            last = raft_log.last_entry(self._files / "global")
            cluster: Any = yaml.safe_load(self.tool("cluster", "show"))
            nodes = tuple(
                DatabaseNode(host(row["address"]), row.get("name", ""), Role(row["role"]))
                for row in cluster["members"]
            )
        except (
            OSError,
            subprocess.SubprocessError,
            yaml.YAMLError,
            KeyError,
            TypeError,
            ValueError,
        ):
            return None
        return DatabaseCopy(nodes, last.term, last.index)

    def listening(self, addresses: Iterable[str]) -> frozenset[str]:
        """Those of the addresses at which LXD's port accepts connections."""
        return frozenset(address for address in addresses if _listens(address))

    def recover(self) -> None:
        """Makes this member the database's only voter. Raises OSError, SubprocessError.

        Instances keep running. The daemon is started again in every case: if this process is
        killed, `end_recovery` in a later hook starts it.
        """
        self._recovering.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._recovering.touch()
        try:
            lxd_daemon.stop()
            self.tool("cluster", "recover-from-quorum-loss", "--quiet")
        finally:
            self.end_recovery()

    def recovering(self) -> bool:
        """Whether a recovery has begun here, and the daemon has not started since."""
        return self._recovering.exists()

    def end_recovery(self) -> None:
        """Starts the daemon that a recovery has stopped. Raises OSError, SubprocessError."""
        run(_SNAP, "start", "lxd")
        self._recovering.unlink(missing_ok=True)


def _regular(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Only files and folders: a socket cannot be copied."""
    return member if member.isfile() or member.isdir() else None


def _add_text(tar: tarfile.TarFile, name: str, text: bytes, now: float) -> None:
    if not text:
        return
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.mode = len(text), int(now), 0o600
    tar.addfile(info, io.BytesIO(text))


def _listens(address: str) -> bool:
    try:
        socket.create_connection((address, PORT), timeout=_CONNECT).close()
    except OSError:
        return False
    return True
