# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Btrfs on a device, or on a loop file that LXD makes: snapshots and copies cost nothing."""

from backends.backend import Backend

BACKEND = Backend(
    name="btrfs",
    driver="btrfs",
    sized=True,
    on_devices=True,
    mounts=False,
    needs="module btrfs",
)
