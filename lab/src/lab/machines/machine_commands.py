# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Commands in a machine: processes of the host that enter the machine."""

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
    # The machine's snapd is the one of the Debian package, with any snapd snap.
    "SNAP_REEXEC": "0",
}


def start(
    command: Sequence[str],
    stdin: int | IO[bytes] = subprocess.DEVNULL,
    stdout: int | IO[bytes] = subprocess.PIPE,
    stderr: int | IO[bytes] = subprocess.PIPE,
) -> subprocess.Popen[bytes]:
    """Start a command line of the host that enters a machine.

    It leads its own session and process group: `os.killpg(process.pid, SIGKILL)` ends all of it,
    including the processes inside.
    """
    return subprocess.Popen(
        command, stdin=stdin, stdout=stdout, stderr=stderr, start_new_session=True
    )


def finish(command: Sequence[str], stdin: str, timeout: float) -> subprocess.CompletedProcess[str]:
    """Run such a command line and wait for it, for at most `timeout` seconds.

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
