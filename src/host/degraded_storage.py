# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Zpools and btrfs on several devices that have lost one of them, as the kernel sees it.

They keep working, and LXD does not check them. If they lose one more device, all data may be lost.
The kernel's files cost nothing to read: no program of ZFS or btrfs is needed.
"""

from __future__ import annotations

from pathlib import Path

_ZPOOLS = Path("/proc/spl/kstat/zfs")
"""With a folder for each imported zpool, and its `state` in it (OpenZFS 0.8 and later)."""
_BTRFS = Path("/sys/fs/btrfs")
"""With a folder for each mounted btrfs, by UUID. Old kernels do not say what is missing."""
_WHOLE = "ONLINE"


def look() -> dict[str, str]:
    """By name of a zpool or UUID of a btrfs with a failed device: what the kernel says of it."""
    return {**_zpools(), **_file_systems()}


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


def _is_set(file: Path) -> bool:
    return _text(file) == "1"


def _text(file: Path) -> str:
    try:
        return file.read_text(errors="replace").strip()
    except OSError:
        return ""  # It was exported or unmounted a moment ago.
