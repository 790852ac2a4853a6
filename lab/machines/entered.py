"""Commands in a machine: processes of the host that enter it."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from typing import IO

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin"
ENVIRONMENT = {
    "PATH": PATH,
    "HOME": "/root",
    "LANG": "C.UTF-8",
    "TERM": "dumb",
    # The machine's snapd is the Debian package's, whatever snapd snap it has.
    "SNAP_REEXEC": "0",
}


def start(
    command: Sequence[str],
    stdin: int | IO[bytes] = subprocess.DEVNULL,
    stdout: int | IO[bytes] = subprocess.PIPE,
    stderr: int | IO[bytes] = subprocess.PIPE,
) -> subprocess.Popen[bytes]:
    """Start a command line of the host's that enters a machine.

    It leads a session and process group of its own: `os.killpg(process.pid, SIGKILL)` ends all of
    it, also what runs inside.
    """
    return subprocess.Popen(
        command, stdin=stdin, stdout=stdout, stderr=stderr, start_new_session=True
    )


def finish(command: Sequence[str], stdin: str, timeout: float) -> subprocess.CompletedProcess[str]:
    """Run such a command line and wait for it, `timeout` seconds at most.

    Raises subprocess.TimeoutExpired once the command has been killed.
    """
    process = start(command, stdin=subprocess.PIPE)
    try:
        output, errors = process.communicate(stdin.encode(), timeout)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise
    texts = (stream.decode(errors="replace") for stream in (output, errors))
    return subprocess.CompletedProcess(list(command), process.returncode, *texts)
