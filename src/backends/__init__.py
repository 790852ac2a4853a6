# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Storage backends: the meaning of each word of the option `storage-backend` for LXD.

A new backend is one file beside this one and one row in `_ROWS`.
"""

from __future__ import annotations

from backends import btrfs, ceph, cephfs, lvm, zfs
from backends import dir as directory
from backends.backend import Backend

_ROWS = (zfs, btrfs, directory, lvm, ceph, cephfs)

BACKENDS: dict[str, Backend] = {row.BACKEND.name: row.BACKEND for row in _ROWS}

AUTOMATIC = (zfs.BACKEND, btrfs.BACKEND, directory.BACKEND)
"""The backends that `auto` tries, best first."""

AUTO = "auto"
CEPHFS = cephfs.BACKEND.name
ALLOWED = (AUTO, *sorted(b.name for b in BACKENDS.values() if not b.not_default))
"""The backends of the default pool."""

__all__ = ["ALLOWED", "AUTO", "BACKENDS", "CEPHFS", "Backend", "is_local", "on_ceph", "resolve"]


def is_local(driver: str) -> bool:
    """Whether each member has its own part of a pool of this LXD driver."""
    return any(not b.remote for b in BACKENDS.values() if b.driver == driver)


def mounts_volumes(driver: str) -> bool:
    """Whether a volume in a pool of this LXD driver may be unmounted: also of an unknown driver."""
    return all(b.mounts for b in BACKENDS.values() if b.driver == driver)


def on_ceph(driver: str) -> bool:
    """Whether pools of this LXD driver are in a Ceph, where all members have one part."""
    return any(b.on_ceph for b in BACKENDS.values() if b.driver == driver)


def resolve(word: str, drivers: frozenset[str]) -> Backend | None:
    """The backend that `word` means on a server with these drivers, None if none fits."""
    candidates = AUTOMATIC if word == AUTO else (BACKENDS[word],)
    return next((b for b in candidates if b.driver in drivers), None)


def other_name(pool: str, backend: str) -> str:
    """The name of the default pool if a pool of another backend has its name."""
    return f"{pool}-{backend}"


def names_of_default(pool: str) -> frozenset[str]:
    """Every name that the default pool may have, or may have had with another backend."""
    return frozenset({pool, *(other_name(pool, backend) for backend in BACKENDS)})
