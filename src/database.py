"""LXD's database on this machine: copies of it, and its recovery when most voters are lost."""

from __future__ import annotations

import io
import os
import re
import socket
import subprocess
import tarfile
from datetime import datetime, timezone
from pathlib import Path

import deadlines
from addresses import PORT, host

BACKUPS = Path("/var/lib/lxd-cluster/backups")
KEPT = 7
"""Copies that are kept; older ones are deleted."""

_LXD = "/snap/bin/lxd"
_SNAP = "/usr/bin/snap"
_DATABASE = Path("/var/snap/lxd/common/lxd/database")
_ENDPOINT = re.compile(r"\|\s*(\S+:\d+)\s*\|")
_CONNECT = 2.0
"""Seconds for a voter to take a connection."""


class Database:
    """The database's files, and LXD's own tools for them."""

    def __init__(self, backups: Path = BACKUPS, files: Path = _DATABASE) -> None:
        self._backups = backups
        self._files = files

    def backup(self, now: float) -> str:
        """Copies the files, and as text what the running database answers; returns the path.

        The text is consistent by itself. The files are the only copy while there is no quorum.
        Raises OSError.
        """
        self._backups.mkdir(mode=0o700, parents=True, exist_ok=True)
        moment = datetime.fromtimestamp(now, timezone.utc).strftime("%Y-%m-%dT%H-%M-%SZ")
        path = self._backups / f"database-{moment}.tar.gz"
        new = path.with_suffix(".new")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file, tarfile.open(fileobj=file, mode="w:gz") as tar:
            for name in ("global", "local"):
                _add_text(tar, f"{name}.sql", _dump(name), now)
            tar.add(self._files, "database", filter=_regular)
        new.replace(path)
        for old in sorted(self._backups.glob("database-*.tar.gz"))[:-KEPT]:
            old.unlink()
        return str(path)

    def voters_that_listen(self) -> tuple[tuple[str, ...], int]:
        """Addresses of the database's other voters that take connections; how many there are.

        LXD reads the list from this machine's disk, so it can be asked at any time.
        """
        told = _run(_LXD, "cluster", "list-database").stdout
        voters = _ENDPOINT.findall(told)
        return tuple(v for v in voters if _listens(host(v))), len(voters)

    def recover(self) -> None:
        """Makes this member the database's only voter. Raises subprocess.SubprocessError.

        LXD is started again whatever happens.
        """
        _run(_SNAP, "stop", "lxd")
        try:
            _run(_LXD, "cluster", "recover-from-quorum-loss", "--quiet")
        finally:
            _run(_SNAP, "start", "lxd")


def _regular(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Files and folders only: a socket cannot be copied."""
    return member if member.isfile() or member.isdir() else None


def _dump(name: str) -> bytes:
    """A database as SQL. Empty while it does not answer."""
    try:
        return _run(_LXD, "sql", name, ".dump").stdout.encode()
    except subprocess.SubprocessError:
        return b""


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


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, check=True, capture_output=True, text=True, timeout=deadlines.COMMAND
    )
