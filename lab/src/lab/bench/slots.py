# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Slots for benches: several benches can be on one computer, each with its own network.

A lock that ends with the process holds a slot. The next bench that looks for a slot removes what a
killed bench has left.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from lab.machines import cgroups, processes
from lab.machines.disk import remove_tree
from lab.machines.programs import CommandError, MachineError, run

LOCKS = Path("/run/lxd-cluster-bench")
HOMES = Path("/var/tmp/lxd-cluster-bench")  # noqa: S108 - root's alone, see `take`
COUNT = 32
HOST_PART = 254


def bridge(slot: int) -> str:
    """The bridge on the host for the slot's nodes."""
    return f"br-bench{slot}"


def address(slot: int, host: int) -> str:
    """The IPv4 address of a host in the slot's network, which is a /24."""
    return f"10.98.{slot}.{host}"


def name(slot: int, node: str) -> str:
    """The name of a node on the host: of its control groups, and of its port of the bridge."""
    return f"bench{slot}-{node}"


def home(slot: int) -> Path:
    """The folder of the slot's bench."""
    return HOMES / str(slot)


@contextmanager
def take() -> Generator[int]:
    """Take a free slot, without leftovers. Raises MachineError when all are taken."""
    clean()
    for slot in range(COUNT):
        lock = _lock(slot)
        if lock is None:
            continue
        with lock:
            home(slot).mkdir(mode=0o700, parents=True)
            try:
                yield slot
            finally:
                remove_leftovers(slot)
        return
    raise MachineError(f"all {COUNT} benches of this computer are in use")


def clean() -> list[int]:
    """Remove what benches without a process have left. Returns their slots."""
    cleaned: list[int] = []
    for slot in range(COUNT):
        lock = _lock(slot)
        if lock is None:
            continue
        with lock:
            if remove_leftovers(slot):
                cleaned.append(slot)
    return cleaned


def _lock(slot: int) -> IO[str] | None:
    LOCKS.mkdir(mode=0o700, exist_ok=True)
    lock = (LOCKS / str(slot)).open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock


def remove_leftovers(slot: int) -> bool:
    """Remove a slot's processes, groups, bridge and folder. False if there was nothing."""
    groups = _groups(slot)
    for group in groups:
        end(group)
    has_bridge = (Path("/sys/class/net") / bridge(slot)).exists()
    if has_bridge:
        run("ip", "link", "del", bridge(slot))
    has_leftovers = bool(groups) or has_bridge or home(slot).exists()
    remove_tree(home(slot))
    return has_leftovers


def end(group: str) -> None:
    """Kill all processes in a node's control groups, and remove the groups. Raises MachineError."""
    while alive := cgroups.members(group):
        cgroups.thaw(group)
        if processes.kill(alive, timeout=10):
            raise MachineError(f"{group}: cannot be killed: {alive}")
    cgroups.remove(group)
    # The port disappears with the node's namespace, a moment after its last process.
    try:
        run("ip", "link", "del", group)
    except CommandError:
        if (Path("/sys/class/net") / group).exists():
            raise


def _groups(slot: int) -> list[str]:
    prefix = name(slot, "")
    groups: set[str] = set()
    for hierarchy in cgroups.hierarchies():
        groups |= {
            entry
            for entry in os.listdir(cgroups.ROOT / hierarchy)  # noqa: PTH208 - names, not paths
            if entry.startswith(prefix)
        }
    return sorted(groups)


def ensure_bridge(slot: int) -> None:
    """Make the slot's bridge, with an address for the host, so that the host reaches every node."""
    bridge_name = bridge(slot)
    run("ip", "link", "add", bridge_name, "type", "bridge")
    run("ip", "addr", "add", f"{address(slot, HOST_PART)}/24", "dev", bridge_name)
    run("ip", "link", "set", bridge_name, "up")
