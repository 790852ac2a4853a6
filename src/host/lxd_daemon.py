# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""LXD's daemon as a process: stopped alone, while its instances keep running.

`snap stop` and `snap restart` of the real snap shut all instances down first. Its scripts read the
reason for the daemon's end from the file `state`: with `reload` in it they do nothing
(lxd-pkg-snap, its daemon.stop and daemon.start, the same from 5.0 on). The daemon has left its
service's cgroups, so systemd does not end it either. So the charm sends the process a signal.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import deadlines

COMMON = Path("/var/snap/lxd/common")
_SYSTEMCTL = "/usr/bin/systemctl"
_SERVICE = "snap.lxd.daemon.service"
_SOCKET = "snap.lxd.daemon.unix.socket"
"""While systemd listens on this, every request of a client starts the daemon again."""
_UNITS = Path("/etc/systemd/system")
_ALONE, _ALL = "reload", "host-shutdown"
"""What the snap's scripts read: leave the snap's other processes alone, or end them."""
_READING = 0.5
"""Seconds for the scripts to read it."""
_TICK = 0.1
_PROC = Path("/proc")


def stop(common: Path = COMMON, proc: Path = _PROC) -> None:
    """Stops the daemon cleanly, until it is started again. Instances keep running.

    A daemon that does not end is killed after its deadline. Raises OSError, SubprocessError.
    """
    _end(_ALONE, signal.SIGTERM, common, proc)


def kill(common: Path = COMMON, proc: Path = _PROC) -> None:
    """Kills a daemon that hangs, and with it all processes and mounts of the snap.

    For an LXD without instances: leftover mounts would block the next daemon. A normal stop of such
    a daemon takes up to ten minutes. Raises OSError, SubprocessError.
    """
    _end(_ALL, signal.SIGKILL, common, proc)


def _end(why: str, number: signal.Signals, common: Path, proc: Path) -> None:
    pid = running(common, proc)
    (common / "state").write_text(f"{why}\n")
    # First the service needs a pending stop: otherwise systemd starts an ended daemon again at
    # once.
    _systemctl("stop", "--no-block", *_units())
    if pid:
        # Once the daemon has ended, the scripts would read another reason.
        time.sleep(_READING)
        _signal(pid, number)
        if not _ends_within(pid, proc, deadlines.DAEMON_STOP):
            _signal(pid, signal.SIGKILL)
            _ends_within(pid, proc, deadlines.COMMAND)
    _systemctl("stop", *_units())


def _units() -> list[str]:
    """The daemon's systemd units from snapd. A snap without its own socket has one unit fewer."""
    return [name for name in (_SOCKET, _SERVICE) if name == _SERVICE or (_UNITS / name).exists()]


def running(common: Path = COMMON, proc: Path = _PROC) -> int:
    """The daemon's process id, 0 if it does not run. Another program may have that id by now."""
    try:
        pid = int((common / "lxd.pid").read_text())
        name = (proc / str(pid) / "comm").read_text().strip()
    except (OSError, ValueError):
        return 0
    return pid if name == "lxd" else 0


def _ends_within(pid: int, proc: Path, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not _alive(pid, proc):
            return True
        time.sleep(_TICK)
    return not _alive(pid, proc)


def _alive(pid: int, proc: Path) -> bool:
    try:
        fields = (proc / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return False
    return fields[:1] != ["Z"]


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _systemctl(*arguments: str) -> None:
    command = (_SYSTEMCTL, *arguments)
    subprocess.run(command, check=True, capture_output=True, timeout=deadlines.COMMAND)
