# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Disks that several machines see, as in a SAN: each may be in a pool of one member only.

Units compare what no other disk has: the disk's world-wide name, or the UUIDs of its content.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations

from state.cluster import ClusterView
from state.facts import Device
from state.peers import Contribution
from state.view import Peers, View
from values.wanted_pool import is_device


def owner(device: Device, peers: Peers | None) -> str:
    """The other unit that has a pool on this disk, empty if none says so."""
    others = sorted(peers.others.items()) if peers else []
    return next(
        (
            unit
            for unit, data in others
            if data.cluster
            for disk in data.disks.values()
            if set(disk) & set(device.unique)
        ),
        "",
    )


def as_used(device: Device, peers: Peers | None) -> Device:
    """The device, in use if another unit has a pool on it."""
    if device.use or not (unit := owner(device, peers)):
        return device
    return replace(device, use=f"is in a pool of {unit}")


def same_disk(contributions: Mapping[str, Contribution]) -> tuple[str, str] | None:
    """The first two members whose devices for a pool are one disk, by their names."""
    return next(
        (
            (one, other)
            for one, other in combinations(sorted(contributions), 2)
            if set(contributions[one].disk) & set(contributions[other].disk)
        ),
        None,
    )


def unpublished(lxd: ClusterView, peers: Peers) -> tuple[str, ...]:
    """This member's pools on devices whose disks the others do not know yet."""
    on_devices = (pool for pool, source in lxd.sources.items() if is_device(source))
    return tuple(pool for pool in on_devices if pool not in peers.own.disks)


def published(view: View, lxd: ClusterView, peers: Peers) -> dict[str, tuple[str, ...]]:
    """What this member tells the others about the disks of its pools."""
    known = {**peers.own.disks, **view.pool_disks}
    if lxd.pools is None:
        return known
    existing = {pool.name for pool in lxd.pools}
    return {pool: disk for pool, disk in known.items() if pool in existing}
