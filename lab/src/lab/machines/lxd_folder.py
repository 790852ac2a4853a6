# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Any LXD: a folder with programs in `bin`, including `lxd` and `lxc`, and libraries in `lib`."""

from __future__ import annotations

import os
from pathlib import Path

from lab.machines import digests, rootfs
from lab.machines.programs import MachineError, run

# The environment variable that names the folder; the Makefile sets it from LXD=FOLDER.
VARIABLE = "LXD_CLUSTER_LAB_LXD"
PROGRAMS = ("lxd", "lxc")


def chosen() -> Path | None:
    """The folder that the environment names; None if the lab must take Debian's LXD."""
    named = os.environ.get(VARIABLE, "")
    return Path(named).resolve() if named else None


def check(folder: Path) -> None:
    """Raise MachineError, with what is missing, unless `folder` holds an LXD."""
    for name in PROGRAMS:
        if not (folder / "bin" / name).is_file():
            raise MachineError(f"{folder}: no LXD to pack there: bin/{name} is missing")


def contents(folder: Path) -> list[Path]:
    """The files for the snap, sorted: all files of `bin`, and the shared libraries of `lib`.

    liblxc is excluded: it finds its files by paths that were compiled into it, and LXC 7 does not
    know cgroup v1. LXD works with the machines' own liblxc.
    """
    found = [*(folder / "bin").rglob("*"), *(folder / "lib").rglob("*.so*")]
    return sorted(file for file in found if file.is_file() and not file.name.startswith("liblxc."))


def digest(folder: Path) -> str:
    """A short hash of all files for the snap: two LXDs of one version have different hashes."""
    return digests.digest(contents(folder), [], folder)


def version(folder: Path, system: Path) -> str:
    """The output of `lxd --version`, such as "5.21.7", with the libraries of `folder` and `system`.

    LXD adds a word to the number of a release with long support. A snap's version must not contain
    blanks.
    """
    command, *arguments = rootfs.command_line(system, folder / "bin/lxd", folder / "lib")
    words = run(command, *arguments, "--version").split()
    if not words:
        raise MachineError(f"{folder}/bin/lxd --version says nothing")
    return words[0]
