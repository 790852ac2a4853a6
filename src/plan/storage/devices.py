# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The block device that a unit gives to a pool: the first listed one that is empty."""

from __future__ import annotations

from backends import Backend
from plan.storage import shared_disks
from state.facts import Device
from state.view import View
from values.status import STATUS_LIMIT, Status, StatusText, blocked
from values.wanted_pool import WantedPool, in_bytes

SMALLEST = 256 * 1024 * 1024
"""The bytes that a file system of LXD needs at least."""
_LEAST_PATH = 12
"""Characters of a device's path that stay, whatever else a status says: `/dev/nvme0n1`."""


def choice(
    view: View, pool: WantedPool, backend: Backend, taken: frozenset[str]
) -> Device | Status | None:
    """The device for this unit's part of a pool, None for none; or why there is none.

    Disks with a node or a unique name in `taken` go into other pools.
    """
    if not pool.devices:
        return None
    if not backend.on_devices:
        return blocked(f"pool {pool.name}: {backend.name} uses no devices; name none for it")
    listed = view.devices.get(pool.devices, ())
    found = [shared_disks.as_used(device, view.peers) for device in listed]
    candidates = [d for d in found if taken.isdisjoint((d.node, *d.unique))]
    if not candidates:
        return _none_left(pool, found)
    least = max(SMALLEST, in_bytes(pool.size))
    usable = [d for d in candidates if not unusable(d, least)]
    if usable:
        return usable[0]
    offered = min(candidates, key=_rank)
    return _blocked_by(offered.path, f" {unusable(offered, least)}")


def _none_left(pool: WantedPool, found: list[Device]) -> Status:
    """Blocked if none of a pool's devices is on this machine, or all are in other pools."""
    if found:
        return _blocked_by(found[0].path, f" is in another pool: name one more for {pool.name}")
    first, *others = pool.devices
    more = f" and {len(others)} more" if others else ""
    return _blocked_by(first, f"{more} for the pool {pool.name}: not on this machine")


def _rank(device: Device) -> int:
    """The rank of an unusable device among those that the status could name.

    What can be wiped comes first, what is in use last: a glob also names the root disk.
    """
    return 2 if device.use else 0 if device.holds else 1


def _blocked_by(path: str, why: str) -> Status:
    """Blocked by a device.

    Names below /dev/disk are long, and their ends are the most useful part. What is left of them
    leaves room for the name of a volume group, which may have 127 characters.
    """
    room = max(STATUS_LIMIT - len(why), _LEAST_PATH)
    return blocked((path if len(path) <= room else "..." + path[3 - room :]) + why)


def one_disk(path: str, first: str, second: str) -> Status:
    """Blocked for a disk that two units see, and that each would give to a pool."""
    return _blocked_by(path, f" {_seen_twice(first, second)}")


def _seen_twice(first: str, second: str) -> StatusText:
    return f"is one disk on {first} and {second}: name others"


def unusable(device: Device, least: int = SMALLEST) -> StatusText:
    """Why a device cannot be used for `least` bytes, and what to do; empty if it can."""
    if device.use:
        return f"{device.use}: name another"
    if device.holds:
        return f"holds {device.holds[:20]}: run wipe-device, or name another"
    if device.size < least:
        return f"is smaller than {least >> 20} MiB: name another"
    return ""
