# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Cutting the power of machines, and removing them: from any state, by any process."""

from __future__ import annotations

import time
from pathlib import Path

from lab.machines import cgroups, claims, disk, network, processes
from lab.machines.programs import MachineError


def supervisor(folder: Path) -> processes.Process | None:
    """The process that keeps the machine in that folder running, or None."""
    return processes.read_pid_file(folder / "supervisor")


def is_alive(number: int, folder: Path) -> bool:
    """Whether any process of the machine in that folder runs."""
    return supervisor(folder) is not None or bool(cgroups.members(network.hostname(number)))


def claim(number: int, folder: Path) -> None:
    """Claim the number for the machine in `folder`.

    A dead machine of another lab, for example after a crash, loses the number but keeps its disks.
    Raises MachineError if another lab's machine is alive.
    """
    holder = claims.holder(number)
    if holder not in (None, folder) and not is_alive(number, holder):
        _forget(number, holder)
    claims.take(number, folder)


def power_off(number: int, folder: Path, timeout: float = 10) -> None:
    """Kill everything of a machine, as a power cut does, within `timeout` seconds.

    Raises MachineError if some of it still lives then.
    """
    if claims.holder(number) != folder:
        return
    supervising = supervisor(folder)
    if supervising:
        processes.kill([supervising])
    name = network.hostname(number)
    deadline = time.monotonic() + timeout
    while alive := cgroups.members(name):
        cgroups.thaw(name)
        processes.kill(alive, timeout=1)
        if time.monotonic() > deadline:
            raise MachineError(f"{name}: cannot be killed: {alive}")


def destroy(number: int, folder: Path) -> None:
    """Remove everything of the machine in `folder`, from any state."""
    power_off(number, folder)
    disk.remove(folder)
    if claims.holder(number) != folder:
        return
    _forget(number, folder)


def _forget(number: int, folder: Path) -> None:
    """Remove everything of a dead machine that is on this computer outside its folder."""
    name = network.hostname(number)
    network.disconnect(number)
    cgroups.remove(name)
    for leftover in ("propagate", "unix-export"):
        disk.remove_tree(Path("/run/systemd/nspawn") / leftover / name)
    claims.release(number, folder)
