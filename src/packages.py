"""Debian packages on this machine."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable

import deadlines

_APT = "/usr/bin/apt-get"
_DPKG = "/usr/bin/dpkg-query"


def install(names: Iterable[str]) -> None:
    """Installs those that are missing. Raises OSError and subprocess.SubprocessError."""
    missing = [name for name in names if not _is_here(name)]
    if not missing:
        return
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in ([_APT, "update"], [_APT, "install", "--yes", *missing]):
        subprocess.run(
            command, check=True, capture_output=True, timeout=deadlines.PACKAGES, env=quiet
        )


def _is_here(name: str) -> bool:
    done = subprocess.run(
        [_DPKG, "--show", "--showformat=${db:Status-Status}", name],
        check=False,
        capture_output=True,
        text=True,
        timeout=deadlines.COMMAND,
    )
    return done.stdout.strip() == "installed"
