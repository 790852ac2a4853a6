"""Storage backends: what one word of the option `storage-backend` means to LXD.

A new backend is one file beside this one and one row in `BACKENDS`.
"""

from __future__ import annotations

from storage import btrfs, lvm, zfs
from storage import dir as directory
from storage.backend import Backend

_ROWS = (zfs.BACKEND, btrfs.BACKEND, directory.BACKEND, lvm.BACKEND)

BACKENDS: dict[str, Backend] = {b.name: b for b in _ROWS}

AUTOMATIC = (zfs.BACKEND, btrfs.BACKEND, directory.BACKEND)
"""What `auto` tries, best first."""

AUTO = "auto"
ALLOWED = (AUTO, *sorted(BACKENDS))
LATER = frozenset({"ceph", "cephfs"})
"""Known to LXD and refused by name until they are supported here."""

__all__ = ["ALLOWED", "AUTO", "BACKENDS", "LATER", "Backend", "resolve"]


def resolve(word: str, drivers: frozenset[str]) -> Backend | None:
    """The backend that `word` means on a server with these drivers, None if none fits."""
    candidates = AUTOMATIC if word == AUTO else (BACKENDS[word],)
    return next((b for b in candidates if b.driver in drivers), None)
