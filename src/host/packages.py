# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Debian packages on this machine."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable

import deadlines

_APT = "/usr/bin/apt-get"
_DPKG_QUERY = "/usr/bin/dpkg-query"
_DPKG = "/usr/bin/dpkg"
_LOCK = 180
"""Seconds to wait for a machine's first boot, which installs its own packages."""


class PackagesError(OSError):
    """The packages could not be installed, with apt's error."""


def install(names: Iterable[str]) -> None:
    """Installs the missing ones, after another program has released dpkg. Raises PackagesError."""
    missing = [name for name in names if not _is_here(name)]
    if not missing:
        return
    waits = ["-o", f"DPkg::Lock::Timeout={_LOCK}"]
    _run(_APT, *waits, "update")
    try:
        _run(_APT, *waits, "install", "--yes", *missing)
    except PackagesError as error:
        # First finish what was interrupted (a killed hook, a machine without power).
        if _CUT_SHORT not in str(error):
            raise
        _run(_DPKG, "--configure", "-a")
        _run(_APT, *waits, "install", "--yes", *missing)


_CUT_SHORT = "dpkg was interrupted"
"""apt's refusal to continue: you must run dpkg --configure -a."""


def _run(*command: str) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    try:
        subprocess.run(
            command,
            check=True,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=deadlines.PACKAGES,
            env=environment,
        )
    except subprocess.CalledProcessError as error:
        raise PackagesError(_reason(str(error.stderr), error.returncode)) from error
    except subprocess.TimeoutExpired as error:
        raise PackagesError(f"{command[0]}: did not end within {error.timeout:.0f} s") from error


def _reason(output: str, code: int) -> str:
    """The reason: the first error among many warnings and repetitions."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("E: ", "dpkg: error"))]
    reason = next(iter([*errors, *reversed(lines)]), f"exit status {code}")
    return reason.removeprefix("E: ")


def _is_here(name: str) -> bool:
    ended = subprocess.run(
        [_DPKG_QUERY, "--show", "--showformat=${db:Status-Status}", name],
        check=False,
        capture_output=True,
        text=True,
        timeout=deadlines.COMMAND,
    )
    return ended.stdout.strip() == "installed"
