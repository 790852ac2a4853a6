# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Processes of the host, known by pid and start time: a pid may be used again."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Process:
    """A process of the host: its pid and its start time in clock ticks since the host's boot."""

    pid: int
    start: int


def find(pid: int) -> Process | None:
    """The live process with that pid. A zombie counts as gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The second field is the program's name in parentheses and may hold anything.
    fields = stat.rpartition(")")[2].split()
    state, start = fields[0], int(fields[19])
    return None if state in "ZX" else Process(pid, start)


def is_alive(process: Process) -> bool:
    """Whether exactly that process still runs."""
    return find(process.pid) == process


def read_pid_file(path: Path) -> Process | None:
    """The live process that a file with "PID START" names, or None."""
    try:
        pid, start = path.read_text().split()
    except (FileNotFoundError, ValueError):
        return None
    process = Process(int(pid), int(start))
    return process if is_alive(process) else None


def children(process: Process) -> list[Process]:
    """The live children of a process, oldest first."""
    try:
        text = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return []
    candidates = (find(int(pid)) for pid in text.split())
    return [child for child in candidates if child is not None]


def is_first_of_namespace(process: Process) -> bool:
    """Whether it is pid 1 of a pid namespace below the host's."""
    try:
        status = Path(f"/proc/{process.pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    pids = next((line for line in status.splitlines() if line.startswith("NSpid:")), "").split()[1:]
    return len(pids) > 1 and pids[-1] == "1"


def send(process: Process, number: int) -> None:
    """Send a signal to exactly that process, and to no other process with the same pid."""
    try:
        handle = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return
    try:
        if is_alive(process):
            signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        pass
    finally:
        os.close(handle)


def wait_gone(processes: Iterable[Process], timeout: float) -> list[Process]:
    """Wait until none of them runs, for at most `timeout` seconds. Returns those that still run."""
    deadline = time.monotonic() + timeout
    alive = list(processes)
    while True:
        alive = [process for process in alive if is_alive(process)]
        if not alive or time.monotonic() > deadline:
            return alive
        time.sleep(POLL_SECONDS)


def kill(processes: Iterable[Process], timeout: float = 10) -> list[Process]:
    """SIGKILL them and wait, for at most `timeout` seconds. Returns those that still run."""
    victims = list(processes)
    for victim in victims:
        send(victim, signal.SIGKILL)
    return wait_gone(victims, timeout)
