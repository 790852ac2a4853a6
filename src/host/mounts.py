# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Mount points, as a process sees them."""

from __future__ import annotations

import re
from pathlib import Path

from host.commands import run

_PROC = Path("/proc")
_ESCAPE = re.compile(r"\\([0-7]{3})")
"""The kernel writes blanks, tabs, line breaks and backslashes like this, see proc(5)."""


def below(folder: Path, process: int | str = "self", proc: Path = _PROC) -> list[str]:
    """The mount points at a folder or below it, in the order of the mounts. Raises OSError."""
    lines = (proc / str(process) / "mountinfo").read_text(errors="surrogateescape").splitlines()
    points = (_ESCAPE.sub(_unescaped, line.split(" ")[4]) for line in lines)
    return [point for point in points if Path(point).is_relative_to(folder)]


def unmount_below(folder: Path) -> None:
    """Unmounts everything at a folder and below it. Raises OSError, SubprocessError."""
    for point in reversed(below(folder)):
        run("/usr/bin/umount", point)


def _unescaped(escape: re.Match[str]) -> str:
    return chr(int(escape[1], 8))
