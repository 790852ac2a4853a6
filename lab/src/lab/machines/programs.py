# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Commands on the host: absolute paths, captured output, a deadline on each."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache

SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class MachineError(Exception):
    """Something about the lab's machines went wrong; the text is for a person."""


class CommandError(MachineError):
    """A command on the host failed or exceeded its deadline."""


def find(name: str) -> str | None:
    """The absolute path of a program of the host, or None."""
    return shutil.which(name, path=SEARCH_PATH)


@cache
def program(name: str) -> str:
    """The absolute path of a program of the host. Raises CommandError when there is none."""
    path = find(name)
    if path is None:
        raise CommandError(f"{name}: not installed on this computer")
    return path


def run(
    name: str,
    *arguments: str,
    timeout: float = 30,
) -> str:
    """Run a program of the host and return its output.

    `timeout` is in seconds. Raises CommandError with the program's error output.
    """
    argv = [program(name), *arguments]
    try:
        completed = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise CommandError(f"{' '.join(argv)}: not done after {timeout:g} s") from error
    if completed.returncode != 0:
        words = (completed.stderr or completed.stdout).strip()
        raise CommandError(f"{' '.join(argv)}: exit {completed.returncode}: {words[-2000:]}")
    return completed.stdout
