"""LXD's daemon as a process: ended alone, while its instances run on.

`snap stop` and `snap restart` of the real snap shut all instances down first. Its scripts read why
the daemon ends from the file `state`: with `reload` there they do nothing (lxd-pkg-snap, its
daemon.stop and daemon.start, the same from 5.0 on). The daemon has left its service's cgroups,
so systemd does not end it either: its process is told to.
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
"""As long as this listens, anybody who asks LXD something starts the daemon again."""
_UNITS = Path("/etc/systemd/system")
_ALONE, _ALL = "reload", "host-shutdown"
"""What the snap's scripts read: whether to leave what the snap runs alone, or to end it."""
_READING = 0.5
"""Seconds for them to read it."""
_TICK = 0.1
_PROC = Path("/proc")


def stop(common: Path = COMMON, proc: Path = _PROC) -> None:
    """The daemon has ended in good order and stays so until it is started. Instances run on.

    One that does not end is killed after its deadline. Raises OSError, SubprocessError.
    """
    _end(_ALONE, signal.SIGTERM, common, proc)


def kill(common: Path = COMMON, proc: Path = _PROC) -> None:
    """A daemon that hangs has ended, and with it all that the snap runs and mounts.

    For an LXD without instances: what it left mounted would be in the way of the next one. Asked
    to stop, the daemon would take its ten minutes. Raises OSError, SubprocessError.
    """
    _end(_ALL, signal.SIGKILL, common, proc)


def _end(why: str, number: signal.Signals, common: Path, proc: Path) -> None:
    pid = running(common, proc)
    (common / "state").write_text(f"{why}\n")
    # The service first has a stop pending: else systemd starts a daemon that ends anew at once.
    _systemctl("stop", "--no-block", *_units())
    if pid:
        # Once the daemon has ended, the scripts would read another reason.
        time.sleep(_READING)
        _signal(pid, number)
        if not _gone(pid, proc, deadlines.DAEMON_STOP):
            _signal(pid, signal.SIGKILL)
            _gone(pid, proc, deadlines.COMMAND)
    _systemctl("stop", *_units())


def _units() -> list[str]:
    """What snapd made of the daemon. A snap without a socket of its own has one unit less."""
    return [name for name in (_SOCKET, _SERVICE) if name == _SERVICE or (_UNITS / name).exists()]


def running(common: Path = COMMON, proc: Path = _PROC) -> int:
    """The daemon's process, 0 if it does not run. Its number may be another program's by now."""
    try:
        pid = int((common / "lxd.pid").read_text())
        name = (proc / str(pid) / "comm").read_text().strip()
    except (OSError, ValueError):
        return 0
    return pid if name == "lxd" else 0


def _gone(pid: int, proc: Path, seconds: float) -> bool:
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
