# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Releases the zpool or the volume group that a failed join made on disks, and that is in use.

While the kernel uses it, its devices can neither be wiped nor be given to the next join. The
devices were empty when the join began, and LXD's folder is emptied. So the join made what is only
on these devices. What is also on another device is left alone.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from host.commands import run

logger = logging.getLogger(__name__)

_TOOLS = ("/usr/sbin", "/sbin")
_ZFS = Path("/sys/module/zfs")
_SYS = Path("/sys/class/block")
_SNAP = Path("/snap/lxd/current")
"""Machines without ZFS's tools have those of the snap, which LXD used."""


def release(devices: Iterable[str], lxd_dir: Path) -> None:
    """Exports zpools and deactivates volume groups that are on these devices, or in the folder.

    It logs what it cannot release: the status of the device then says that it is in use.
    """
    released = {os.path.realpath(device) for device in devices if device.startswith("/dev/")}
    loops = _loops(lxd_dir)
    own_devices = released | loops
    for name in sorted(_only_on(_zpools(), own_devices, lxd_dir)):
        _run_or_warn(*_zpool(), "export", name)
    for name in sorted(_only_on(_groups(), own_devices, lxd_dir)):
        _run_or_warn(_tool("vgchange"), "--activate", "n", name)
        _run_or_warn(_tool("vgremove"), "--force", "--yes", name)
    for loop in sorted(loops - released):
        _run_or_warn(_tool("losetup"), "--detach", loop)


def by_name() -> dict[str, set[str]]:
    """The devices and files of each zpool that is imported, and of each volume group."""
    return {**_groups(), **_zpools()}


def zpool_on(device: str) -> str:
    """The imported zpool on a device, or on a partition that ZFS made on it; empty if none is.

    A machine that has ZFS's own programs imports what it finds on a used disk.
    """
    node = os.path.realpath(device)
    names = (name for name, parts in _zpools().items() if node in parts)
    return next(names, "")


def _only_on(
    parts_by_name: Mapping[str, set[str]], own_devices: set[str], lxd_dir: Path
) -> set[str]:
    """Those that have all their parts on these devices, or in LXD's folder."""
    return {
        name
        for name, parts in parts_by_name.items()
        if parts and all(p in own_devices or Path(p).is_relative_to(lxd_dir) for p in parts)
    }


def _zpools() -> dict[str, set[str]]:
    """By name: the devices and files of each imported zpool."""
    if not _ZFS.exists():
        return {}
    pools: dict[str, set[str]] = {}
    name = ""
    for line in _run_or_warn(*_zpool(), "status", "-P", "-L").splitlines():
        words = line.split()
        if words[:1] == ["pool:"]:
            name = words[1]
            pools[name] = set()
        elif name and words and words[0].startswith("/"):
            pools[name].add(_whole_disk(words[0]))
    return pools


def _whole_disk(path: str) -> str:
    """The disk of a partition that ZFS made on it; otherwise the path itself."""
    real = os.path.realpath(path)
    entry = _SYS / Path(real).name
    return f"/dev/{entry.resolve().parent.name}" if (entry / "partition").exists() else real


def _groups() -> dict[str, set[str]]:
    """By name: the devices of each volume group."""
    tool = _tool("pvs")
    if not Path(tool).exists():
        return {}
    text = _run_or_warn(tool, "--reportformat", "json", "--options", "pv_name,vg_name")
    rows: list[Any] = json.loads(text)["report"][0]["pv"] if text else []
    groups: dict[str, set[str]] = {}
    for row in rows:
        if row["vg_name"]:
            groups.setdefault(str(row["vg_name"]), set()).add(os.path.realpath(row["pv_name"]))
    return groups


def _loops(lxd_dir: Path) -> set[str]:
    """Loop devices on files of LXD's folder."""
    text = _run_or_warn(_tool("losetup"), "--json", "--list", "--output", "NAME,BACK-FILE")
    rows: list[Any] = json.loads(text)["loopdevices"] if text.strip() else []
    return {
        str(r["name"]) for r in rows if Path(str(r["back-file"] or "/")).is_relative_to(lxd_dir)
    }


def _zpool() -> tuple[str, ...]:
    """The command zpool, with its environment."""
    own = _tool("zpool")
    if Path(own).exists():
        return (own,)
    brought = sorted(_SNAP.glob("zfs-*/bin/zpool"))
    if not brought:
        return (own,)
    libraries = f"{brought[-1].parent.parent}/lib:{_SNAP}/lib"
    return ("/usr/bin/env", f"LD_LIBRARY_PATH={libraries}", str(brought[-1]))


def _tool(name: str) -> str:
    paths = (f"{folder}/{name}" for folder in _TOOLS)
    return next((path for path in paths if Path(path).exists()), f"{_TOOLS[0]}/{name}")


def _run_or_warn(*command: str) -> str:
    """Runs a program and returns its output. If it fails: a warning, and an empty text."""
    try:
        return run(*command)
    except (OSError, subprocess.SubprocessError) as error:
        logger.warning("%s: %s", " ".join(command), getattr(error, "stderr", "") or error)
        return ""
