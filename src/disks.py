"""Block devices of this machine: what is on them, and wiping one."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
from glob import glob
from pathlib import Path
from typing import Any

import blank
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

    Its partitions go, too. What is between the places that `blank` reads stays. Raises OSError if
    it is in use, subprocess.SubprocessError.
    """
    name = Path(os.path.realpath(path)).name
    device = os.open(path, os.O_RDWR | os.O_EXCL)
    try:
        # A new partition may begin where an old one did: its file system would be back.
        blank.clear(device, tuple(_extent(part) for part in _partitions(name)))
    finally:
        os.close(device)
    _output("/sbin/wipefs", "--all", "--quiet", path)
    if _partitions(name):
        # The kernel does not read a table again by itself.
        _output("/usr/bin/partx", "--delete", path)


def _device(path: str, node: str) -> Device:
    name = Path(node).name
    use = _use(path, name)
    rows = [] if use else _signatures(path)
    parts = () if use else _partitions(name)
    ids = [str(row.get("uuid") or "") for row in rows] + [_serial(name)]
    return Device(
        path=path,
        size=_number(_SYS / name / "size") * _SECTOR,
        use=use,
        holds="" if use else _types(rows) or ("partitions" if parts else _unsigned(path)),
        ids=tuple(dict.fromkeys(filter(None, ids))),
        node=node,
        partitions=tuple(_partition(part, node) for part in parts),
    )


def _partitions(name: str) -> tuple[str, ...]:
    """The kernel's names of a disk's partitions."""
    found = (_SYS / name).glob(f"{name}*/partition")
    return tuple(sorted((path.parent.name for path in found), key=lambda part: (len(part), part)))


def _extent(part: str) -> tuple[int, int]:
    """Where a partition is on its disk: offset and length, in bytes."""
    start, size = (_number(_SYS / part / file) for file in ("start", "size"))
    return start * _SECTOR, size * _SECTOR


def _partition(part: str, disk: str) -> str:
    """A partition in words: its name, its size, what is on it."""
    types = _types(_signatures(str(Path(disk).parent / part)))
    return f"{part} {_extent(part)[1] >> 20} MiB {types or 'without a signature'}"


def _types(rows: list[dict[str, Any]]) -> str:
    return ", ".join(sorted({str(row["type"]) for row in rows}))


def _unsigned(path: str) -> str:
    """What a device without a signature holds, empty if nothing."""
    try:
        return "" if blank.is_blank(path) else "unknown data"
    except OSError:
        return "something unreadable"


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
    for part in _partitions(name):
        if taken := sorted(entry.name for entry in (_SYS / part / "holders").glob("*")):
            return f"has {part}, a part of {', '.join(taken)}"
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
