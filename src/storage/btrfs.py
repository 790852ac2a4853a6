"""Btrfs on a loop file that LXD makes on each member: snapshots and copies cost nothing."""

from storage.backend import Backend

BACKEND = Backend(name="btrfs", driver="btrfs", sized=True)
