# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The name of a disk that no other disk in the world has, by which two machines know a shared one.

Most names of virtual disks are not unique. QEMU calls the disks of all its machines alike: those
on virtio have no name, those on SCSI and IDE have a `t10` name made of the device's identifier, and
those on NVMe got an EUI-64 of 52:54:00, a prefix that anybody may use (`nvme_ns_init` in QEMU's
hw/nvme/ns.c). So only a name counts that contains the number of a registered manufacturer.
"""

from __future__ import annotations

import re
from pathlib import Path

_NAMES = ("wwid", "device/wwid")
_SERIAL = "device/serial"
_NAA = re.compile(
    r"naa\.(?:[56](?P<oui>[0-9a-f]{6})|2[0-9a-f]{3}(?P<extended>[0-9a-f]{6}))[0-9a-f]+"
)
_EUI = re.compile(
    r"eui\.(?:(?P<oui>[0-9a-f]{6})[0-9a-f]{10}|[0-9a-f]{16}(?P<extended>[0-9a-f]{6})[0-9a-f]{10})"
)
_UUID = re.compile(r"uuid\.(?!0{8})[0-9a-f-]{36}")
_MULTIPATH = "mpath-"


def of(folder: Path) -> str:
    """The name of a disk or partition from its folder in /sys, empty if it has none.

    A multipath device has the name of its paths, so that a machine that sees one path only has the
    same name for it. Manufacturers have sold NVMe disks that share one EUI-64 (the kernel marks
    them with `NVME_QUIRK_BOGUS_NID`), so the name of each NVMe disk includes its serial number.
    """
    if (folder / "partition").exists():
        disk = of(folder.parent)
        return f"{disk} {_text(folder / 'start')}" if disk else ""
    if _text(folder / "dm" / "uuid").startswith(_MULTIPATH):
        return next((name for path in _paths(folder) if (name := of(path))), "")
    return _of_disk(folder)


def _of_disk(folder: Path) -> str:
    name = next(filter(None, (_text(folder / file) for file in _NAMES)), "").lower()
    if _NAA.fullmatch(name):
        return name if _is_unique(name) else ""
    serial = _text(folder / _SERIAL)
    return f"{name} {serial}" if serial and _is_unique(name) else ""


def _is_unique(name: str) -> bool:
    """Whether a name has the number of a registered manufacturer, or is a UUID."""
    match = _NAA.fullmatch(name) or _EUI.fullmatch(name)
    if match is None:
        return _UUID.fullmatch(name) is not None
    return _is_registered(match["oui"] or match["extended"])


def _paths(folder: Path) -> list[Path]:
    return [entry.resolve() for entry in sorted((folder / "slaves").glob("*"))]


def _is_registered(oui: str) -> bool:
    """Whether a manufacturer has the number: not zero, and without the bit for local use.

    tgt, an iSCSI target, gives zero, and the same names on each of its servers.
    """
    return int(oui, 16) != 0 and not int(oui[:2], 16) & 2


def _text(path: Path) -> str:
    return path.read_text(errors="replace").strip() if path.is_file() else ""
