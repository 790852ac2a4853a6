# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The processes of this machine and their open files, from /proc."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")


def processes(proc: Path = PROC) -> list[Path]:
    """The folders of all processes, in the order of their ids."""
    return sorted(proc.glob("[0-9]*"), key=lambda path: int(path.name))


def open_files(process: Path) -> Iterator[tuple[Path, str]]:
    """The open files of a process: the link of each, and its target. None once it has ended."""
    try:
        links = list((process / "fd").iterdir())
    except OSError:
        return
    for link in links:
        # The process may close one meanwhile: the others still count.
        with suppress(OSError):
            yield link, str(link.readlink())


def description(process: Path) -> str:
    """A process in words: `nginx (pid 812)`."""
    try:
        name = (process / "comm").read_text().strip()
    except OSError:
        name = "a program"
    return f"{name} (pid {process.name})"
