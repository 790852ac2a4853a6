"""Block devices of this machine: what is on them, and wiping one."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
from glob import glob
from pathlib import Path
from typing import Any

import deadlines
from view import Device

_UTILS = "charmhelpers.contrib.storage.linux.utils"
"""Imported where a disk is looked at: it takes a hook's time, and has no types."""
_SYS = Path("/sys/class/block")
_SECTOR = 512
"""Bytes of a sector in /sys, whatever the device's own are."""


def found(patterns: tuple[str, ...]) -> tuple[Device, ...]:
    """The block devices that the patterns name, in their order, each once.

    A pattern is a path or a glob. What it names and is no block device does not count.
    """
    utils: Any = importlib.import_module(_UTILS)
    devices: dict[str, Device] = {}
    for pattern in patterns:
        for path in sorted(glob(pattern)):  # noqa: PTH207 - a pattern may be a path as it is
            real = os.path.realpath(path)
            if real not in devices and utils.is_block_device(path):
                devices[real] = _device(path, real)
    return tuple(devices.values())


def wipe(path: str) -> None:
    """Takes everything off a device by which a file system or a partition table is known.

    Raises OSError if it is in use.
    """
    os.close(os.open(path, os.O_RDONLY | os.O_EXCL))
    _output("/sbin/wipefs", "--all", "--quiet", path)


def _device(path: str, node: str) -> Device:
    name = Path(node).name
    use = _use(path, name)
    rows = [] if use else _signatures(path)
    ids = [str(row.get("uuid") or "") for row in rows] + [_serial(name)]
    return Device(
        path=path,
        size=_number(_SYS / name / "size") * _SECTOR,
        use=use,
        holds=", ".join(sorted({str(row["type"]) for row in rows})),
        ids=tuple(dict.fromkeys(filter(None, ids))),
        node=node,
    )


def _signatures(path: str) -> list[dict[str, Any]]:
    try:
        text = _output("/sbin/wipefs", "--json", "--no-act", path)
    except (OSError, subprocess.SubprocessError):
        # What cannot be read is not empty.
        return [{"type": "something unreadable"}]
    return json.loads(text)["signatures"] if text.strip() else []


def _use(path: str, name: str) -> str:
    """What keeps the device from being used or wiped, empty if nothing does."""
    utils: Any = importlib.import_module(_UTILS)
    holders = sorted(entry.name for entry in (_SYS / name / "holders").glob("*"))
    if holders:
        return f"is part of {', '.join(holders)}"
    if any((_SYS / name).glob(f"{name}*/partition")):
        return "has partitions"
    try:
        if utils.is_device_mounted(path):
            return "is mounted"
    except (OSError, subprocess.SubprocessError):
        return "cannot be looked at"
    if _number(_SYS / name / "ro"):
        return "is read-only"
    try:
        # The kernel refuses it for a device that is mounted anywhere, in a snap's own view too.
        os.close(os.open(path, os.O_RDONLY | os.O_EXCL))
    except OSError as error:
        return f"is in use ({error.strerror})"
    return ""


def _serial(name: str) -> str:
    for file in ("serial", "device/serial", "wwid", "device/wwid"):
        path = _SYS / name / file
        if path.exists():
            return path.read_text(errors="replace").strip()
    return ""


def _number(file: Path) -> int:
    return int(file.read_text()) if file.exists() else 0


def _output(*command: str) -> str:
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, timeout=deadlines.COMMAND
    )
    return done.stdout
