"""Any LXD: a folder with programs in `bin`, `lxd` and `lxc` among them, and libraries in `lib`."""

from __future__ import annotations

import os
from pathlib import Path

from lab.machines import digests, rootfs
from lab.machines.command import MachineError, run

# The environment variable that names the folder; the Makefile sets it from LXD=FOLDER.
VARIABLE = "LXD_CLUSTER_LAB_LXD"
PROGRAMS = ("lxd", "lxc")


def chosen() -> Path | None:
    """The folder that the environment names; None where the lab is to take Debian's LXD."""
    named = os.environ.get(VARIABLE, "")
    return Path(named).resolve() if named else None


def check(folder: Path) -> None:
    """Raise MachineError, with what is missing, unless `folder` holds an LXD."""
    for name in PROGRAMS:
        if not (folder / "bin" / name).is_file():
            raise MachineError(f"{folder}: no LXD to pack there: bin/{name} is missing")


def contents(folder: Path) -> list[Path]:
    """What goes into the snap, sorted: all of `bin`, and of `lib` the shared libraries.

    Not liblxc: it finds its files by paths that were compiled into it, and LXC 7 knows no cgroup
    v1. LXD works with the machines' own.
    """
    found = [*(folder / "bin").rglob("*"), *(folder / "lib").rglob("*.so*")]
    return sorted(file for file in found if file.is_file() and not file.name.startswith("liblxc."))


def digest(folder: Path) -> str:
    """A short hash of all that goes into the snap: two LXDs of one version differ in it."""
    return digests.digest(contents(folder), [], folder)


def version(folder: Path, system: Path) -> str:
    """What `lxd --version` says, like "5.21.7", run with the libraries of `folder` and `system`.

    LXD adds a word to the number of a release with long support: a snap's version has no blanks.
    """
    command, *arguments = rootfs.command_line(system, folder / "bin/lxd", folder / "lib")
    words = run(command, *arguments, "--version").split()
    if not words:
        raise MachineError(f"{folder}/bin/lxd --version says nothing")
    return words[0]
