# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Zpools, btrfs and md arrays that have lost one of their devices, as the kernel sees it.

They keep working, and LXD does not check them. If they lose one more device, all data may be lost.
The kernel's files cost nothing to read: no program of ZFS, btrfs or md is needed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

_ZPOOLS = Path("/proc/spl/kstat/zfs")
"""With a folder for each imported zpool, and its `state` in it (OpenZFS 0.8 and later)."""
_BTRFS = Path("/sys/fs/btrfs")
"""With a folder for each mounted btrfs, by UUID. Old kernels do not say what is missing."""
_BLOCK = Path("/sys/class/block")
"""With a folder for each array, and in it `md/degraded`: how many devices it lacks (the kernel's
Documentation/admin-guide/md.rst). Arrays without redundancy have no such file.
"""
_LINKS = (Path("/dev/md"), Path("/dev/disk/by-id"))
"""Folders with links to an array, by which it may have become a pool's device."""
_WHOLE = "ONLINE"


def look() -> dict[str, str]:
    """What the kernel says of what has lost a device.

    By name of the zpool, by UUID of the btrfs, or by each path of the array and of its partitions.
    """
    return {**_zpools(), **_file_systems(), **_arrays()}


def _zpools() -> dict[str, str]:
    states = {file.parent.name: _text(file) for file in _ZPOOLS.glob("*/state")}
    return {
        name: f"zpool {name} is {state}"
        for name, state in states.items()
        if state not in ("", _WHOLE)
    }


def _file_systems() -> dict[str, str]:
    missing = {file.parents[2].name for file in _BTRFS.glob("*/devinfo/*/missing") if _is_set(file)}
    return dict.fromkeys(missing, "a device of its btrfs is missing")


def _arrays() -> dict[str, str]:
    degraded = [f for f in _BLOCK.glob("md*/md/degraded") if _text(f) not in ("", "0")]
    arrays = [file.parents[1] for file in degraded]
    by_node = {
        f"/dev/{node}": f"array {array.name} is degraded"
        for array in arrays
        for node in (array.name, *(part.name for part in array.glob(f"{array.name}p*")))
    }
    return {**by_node, **_by_link(by_node)}


def _by_link(by_node: Mapping[str, str]) -> dict[str, str]:
    """The same by the links to those nodes. Few machines have any, and the rest reads no links."""
    links = [link for folder in _LINKS for link in folder.glob("*")] if by_node else []
    nodes = {str(link): os.path.realpath(link) for link in links}
    return {path: by_node[node] for path, node in nodes.items() if node in by_node}


def _is_set(file: Path) -> bool:
    return _text(file) == "1"


def _text(file: Path) -> str:
    try:
        return file.read_text(errors="replace").strip()
    except OSError:
        return ""  # It was exported or unmounted a moment ago.
