"""Storage backends: what one word of the option `storage-backend` means to LXD.

A new backend is one file beside this one and one row in `BACKENDS`.
"""

from __future__ import annotations

from storage import btrfs
from storage import dir as directory
from storage.backend import Backend

BACKENDS: dict[str, Backend] = {b.name: b for b in (btrfs.BACKEND, directory.BACKEND)}
"""Best first: this is the order in which `auto` tries them."""

ALLOWED = ("auto", *sorted(BACKENDS))
LATER = frozenset({"zfs", "lvm", "ceph", "cephfs"})
"""Known to LXD and refused by name until they are supported here."""

__all__ = ["ALLOWED", "BACKENDS", "LATER", "Backend", "resolve"]


def resolve(word: str, drivers: frozenset[str]) -> Backend | None:
    """The backend that `word` means on a server with these drivers, None if none fits."""
    candidates = BACKENDS.values() if word == "auto" else (BACKENDS[word],)
    return next((b for b in candidates if b.driver in drivers), None)
