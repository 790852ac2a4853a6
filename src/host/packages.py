# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Debian packages on this machine."""

from __future__ import annotations

import logging
import os
import subprocess
from collections.abc import Iterable

import deadlines

logger = logging.getLogger(__name__)

_APT = "/usr/bin/apt-get"
_DPKG_QUERY = "/usr/bin/dpkg-query"
_DPKG = "/usr/bin/dpkg"
_LOCK = 180
"""Seconds to wait for another apt: at its first boot a machine installs its own packages."""
_RETRY = 5.0
"""Seconds between tries."""
_LOCKED = "Could not get lock"
_NOT_FOUND = ("Unable to locate package", "Failed to fetch", "has no installation candidate")
"""apt's errors that may have an outdated index as their cause."""


class PackagesError(OSError):
    """The packages could not be installed, with apt's error."""


def install(names: Iterable[str]) -> None:
    """Installs the missing ones, after another program has released dpkg. Raises PackagesError."""
    missing = [name for name in names if not _is_here(name)]
    if not missing:
        return
    outdated = _update_index()
    try:
        _install_missing(missing)
    except PackagesError as error:
        if outdated is not None and any(text in str(error) for text in _NOT_FOUND):
            raise outdated from error
        raise


def _update_index() -> PackagesError | None:
    """Updates apt's index.

    Returns why it is not up to date, None if it is. If one archive is broken, the packages of the
    others can still be installed.
    """
    try:
        _run_after_other_apt(_APT, "update")
    except PackagesError as error:
        logger.warning("apt-get update: %s", error)
        return error
    return None


def _install_missing(names: list[str]) -> None:
    install_ = (_APT, "-o", f"DPkg::Lock::Timeout={_LOCK}", "install", "--yes", *names)
    try:
        _run_after_other_apt(*install_)
    except PackagesError as error:
        # First finish what was interrupted (a killed hook, a machine without power).
        if _CUT_SHORT not in str(error):
            raise
        _run(_DPKG, "--configure", "-a")
        _run_after_other_apt(*install_)


def _run_after_other_apt(*command: str) -> None:
    """Runs apt once another apt has ended: its own timeout is for dpkg's lock only (measured)."""
    import tenacity

    attempts = tenacity.Retrying(
        stop=tenacity.stop_after_delay(_LOCK),
        wait=tenacity.wait_fixed(_RETRY),
        retry=tenacity.retry_if_exception_message(match=f".*{_LOCKED}"),
        reraise=True,
    )
    attempts(_run, *command)


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
