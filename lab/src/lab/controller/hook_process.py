# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""One process of an agent on a machine: a hook, an action or a command, until its end."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from lab.controller.host_provider import Host
from lab.machines import processes

# A hook may leave children behind that keep its output open: do not wait for them.
_DRAIN_SECONDS = 1.0


@dataclass(frozen=True)
class Outcome:
    """How a process ended. `code` is negative for a signal, as in subprocess."""

    code: int
    stdout: str
    stderr: str
    seconds: float
    cpu_seconds: float


class HookProcess:
    """A process started on a machine. `pid_file` names it for a controller after a crash."""

    def __init__(
        self,
        host: Host,
        argv: Sequence[str],
        env: Mapping[str, str],
        cwd: str,
        pid_file: Path,
        on_line: Callable[[str, str], None],
    ) -> None:
        """`on_line` gets the stream's name (stdout, stderr) and each line as it comes."""
        self._pid_file = pid_file
        self._started = time.monotonic()
        self._process = host.popen(argv, env, cwd)
        process = processes.find(self._process.pid)
        if process:
            pid_file.write_text(f"{process.pid} {process.start}")
        self._lines: dict[str, list[str]] = {"stdout": [], "stderr": []}
        self._readers = [
            threading.Thread(target=self._read, args=(name, stream, on_line), daemon=True)
            for name, stream in (("stdout", self._process.stdout), ("stderr", self._process.stderr))
        ]
        for reader in self._readers:
            reader.start()

    def kill(self) -> None:
        """SIGKILL the process and its whole group."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def wait(self) -> Outcome:
        """Wait for the end. The CPU time is that of the process and the children it waited for."""
        _, status, usage = os.wait4(self._process.pid, 0)
        code = os.waitstatus_to_exitcode(status)
        # Wait for the process here, because that returns its resource usage.
        self._process.returncode = code
        seconds = time.monotonic() - self._started
        for reader in self._readers:
            reader.join(_DRAIN_SECONDS)
        self._pid_file.unlink(missing_ok=True)
        stdout, stderr = ("".join(self._lines[name]) for name in ("stdout", "stderr"))
        return Outcome(code, stdout, stderr, seconds, _cpu_seconds(usage))

    def _read(self, name: str, stream: IO[bytes], on_line: Callable[[str, str], None]) -> None:
        with stream:
            for raw in stream:
                line = raw.decode(errors="replace")
                self._lines[name].append(line)
                on_line(name, line.rstrip("\n"))


def _cpu_seconds(usage: resource.struct_rusage) -> float:
    return usage.ru_utime + usage.ru_stime


def kill_leftover(pid_file: Path) -> None:
    """Kill the process of an earlier controller, if it still runs."""
    leftover = processes.read_pid_file(pid_file)
    if leftover:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(leftover.pid, signal.SIGKILL)
    pid_file.unlink(missing_ok=True)
