# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The processes of this machine and their open files, from /proc."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

PROC = Path("/proc")


def processes(proc: Path = PROC) -> list[Path]:
    """The folders of all processes, in the order of their ids."""
    return sorted(proc.glob("[0-9]*"), key=lambda path: int(path.name))


def open_files(process: Path) -> Iterator[tuple[Path, str]]:
    """The open files of a process: the link of each, and its target.

    It yields nothing more once the process has ended.
    """
    try:
        for path in (process / "fd").iterdir():
            yield path, str(path.readlink())
    except OSError:
        return


def description(process: Path) -> str:
    """A process in words: `nginx (pid 812)`."""
    try:
        name = (process / "comm").read_text().strip()
    except OSError:
        name = "a program"
    return f"{name} (pid {process.name})"
