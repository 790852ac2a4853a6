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


def parts(folder: Path) -> list[Path]:
    """What goes into the snap: `bin`, and `lib` where there is one."""
    return [part for part in (folder / "bin", folder / "lib") if part.is_dir()]


def digest(folder: Path) -> str:
    """A short hash of all that goes into the snap: two LXDs of one version differ in it."""
    files = [file for part in parts(folder) for file in part.rglob("*") if file.is_file()]
    return digests.digest(sorted(files), [], folder)


def version(folder: Path, system: Path) -> str:
    """What `lxd --version` says, like "5.21.7", run with the libraries of `folder` and `system`.

    LXD adds a word to the number of a release with long support: a snap's version has no blanks.
    """
    command, *arguments = rootfs.command_line(system, folder / "bin/lxd", folder / "lib")
    words = run(command, *arguments, "--version").split()
    if not words:
        raise MachineError(f"{folder}/bin/lxd --version says nothing")
    return words[0]
