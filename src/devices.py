"""Which block device a unit gives to the pool: the first of those asked for that is empty."""

from __future__ import annotations

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
        return "", blocked(f"storage-devices={' '.join(asked)}: not on this machine")
    usable = [d for d in view.devices if not unusable(d)]
    if usable:
        return usable[0].path, None
    first = view.devices[0]
    return "", blocked(f"{first.path} {unusable(first)}")


def unusable(device: Device) -> str:
    """Why a device cannot be taken, and what to do; empty if it can."""
    if device.use:
        return f"{device.use}: name another in storage-devices"
    if device.holds:
        return f"holds {device.holds}: run wipe-device, or name another"
    if device.size < SMALLEST:
        return f"is smaller than {SMALLEST >> 20} MiB: name another"
    return ""
