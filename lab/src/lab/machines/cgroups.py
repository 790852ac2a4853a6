# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A machine's own control groups: one in every hierarchy that the host has mounted.

On a host with cgroup v1 hierarchies LXD's limits work in the machines. With v2 alone, only the
limits of the controllers that the host delegates work.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

from lab.machines import processes
from lab.machines.programs import MachineError

ROOT = Path("/sys/fs/cgroup")
# The machine's boot runs in its own group below the machine's. Each boot makes that group again.
BOOT = "boot"
UNIFIED = "."


def hierarchies() -> list[str]:
    """The folders under /sys/fs/cgroup that are cgroup mounts; only "." if there is only v2."""
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    below = [
        Path(fields[1]).name
        for fields in mounts
        if fields[2] in ("cgroup", "cgroup2") and Path(fields[1]).parent == ROOT
    ]
    if any(fields[2] == "cgroup2" and Path(fields[1]) == ROOT for fields in mounts):
        return [UNIFIED]
    if not below:
        raise MachineError(f"{ROOT}: no cgroup hierarchy is mounted on this computer")
    return sorted(set(below))


def create(name: str) -> None:
    """Make the machine's group in every hierarchy, ready for processes."""
    for hierarchy in hierarchies():
        group = ROOT / hierarchy / name
        group.mkdir(exist_ok=True)
        for setting in ("cpuset.cpus", "cpuset.mems"):
            if (group / setting).exists() and hierarchy != UNIFIED:
                (group / setting).write_text((group.parent / setting).read_text())
        if (group / "cgroup.clone_children").exists():
            (group / "cgroup.clone_children").write_text("1")
        if (group / "cgroup.subtree_control").exists():
            _hand_down_controllers(group.parent)
            _hand_down_controllers(group)


def boot_entries(name: str) -> list[Path]:
    """The cgroup.procs files to put a process into the machine before it has booted."""
    boots = [ROOT / hierarchy / name / BOOT for hierarchy in hierarchies()]
    for boot in boots:
        boot.mkdir(exist_ok=True)
    return [boot / "cgroup.procs" for boot in boots]


def entries(name: str) -> list[Path]:
    """The cgroup.procs files to put a process into the running machine's groups."""
    files: list[Path] = []
    for hierarchy in hierarchies():
        boot = ROOT / hierarchy / name / BOOT
        for group in (boot / "payload/init.scope", boot / "init.scope", boot / "payload", boot):
            if group.is_dir():
                files.append(group / "cgroup.procs")
                break
    return files


def members(name: str) -> list[processes.Process]:
    """Every live process in the machine's groups, in any hierarchy."""
    pids: set[int] = set()
    for group in _groups(name):
        with suppress(FileNotFoundError, OSError):
            pids.update(int(pid) for pid in (group / "cgroup.procs").read_text().split())
    group_members = (processes.find(pid) for pid in pids if pid)
    return [process for process in group_members if process is not None]


def thaw(name: str) -> None:
    """Let frozen processes run again: under cgroup v1 a frozen process cannot die."""
    for group in _groups(name):
        with suppress(FileNotFoundError, OSError):
            if (group / "freezer.state").read_text().strip() != "THAWED":
                (group / "freezer.state").write_text("THAWED")


def remove(name: str, timeout: float = 5) -> None:
    """Remove the machine's groups; its processes must be dead. Raises MachineError."""
    deadline = time.monotonic() + timeout
    while True:
        for group in _groups(name):
            # The kernel refuses this for a moment after the last process has died.
            with suppress(OSError):
                group.rmdir()
        left = _groups(name)
        if not left:
            return
        if time.monotonic() > deadline:
            raise MachineError(f"{left[0]}: cannot be removed, processes: {members(name)}")
        time.sleep(processes.POLL_SECONDS)


def _groups(name: str) -> list[Path]:
    """The machine's groups in every hierarchy, the deepest first."""
    folders: list[Path] = []
    for hierarchy in hierarchies():
        for folder, _, _ in os.walk(ROOT / hierarchy / name, topdown=False):
            folders.append(Path(folder))
    return folders


def _hand_down_controllers(group: Path) -> None:
    for controller in (group / "cgroup.controllers").read_text().split():
        # The kernel refuses a controller that is in use elsewhere; the others still work.
        with suppress(OSError):
            (group / "cgroup.subtree_control").write_text(f"+{controller}")
