"""Which block device a unit gives to the pool: the first of those asked for that is empty."""

from __future__ import annotations

from options import STATUS_LIMIT
from status import Status, blocked
from storage import Backend
from view import Device, View

SMALLEST = 256 * 1024 * 1024
"""Bytes below which no file system of LXD's is worth making."""


def choice(view: View, backend: Backend) -> tuple[str, Status | None]:
    """The device for this unit's part of the pool, empty for none; or why there is none."""
    asked = view.wanted_devices
    if not asked:
        return "", None
    if not backend.on_devices:
        return "", blocked(f"storage-devices: {backend.name} takes no device; reset the option")
    if not view.devices:
        first, *others = asked
        more = f" and {len(others)} more" if others else ""
        return "", _told(first, f"{more} of storage-devices: not on this machine")
    usable = [d for d in view.devices if not unusable(d)]
    if usable:
        return usable[0].path, None
    offered = view.devices[0]
    return "", _told(offered.path, f" {unusable(offered)}")


def _told(path: str, why: str) -> Status:
    """Names below /dev/disk are long, and their ends tell most."""
    room = STATUS_LIMIT - len(why)
    return blocked((path if len(path) <= room else "..." + path[3 - room :]) + why)


def unusable(device: Device) -> str:
    """Why a device cannot be taken, and what to do; empty if it can."""
    if device.use:
        return f"{device.use[:40]}: name another in storage-devices"
    if device.holds:
        return f"holds {device.holds[:20]}: run wipe-device, or name another"
    if device.size < SMALLEST:
        return f"is smaller than {SMALLEST >> 20} MiB: name another"
    return ""
