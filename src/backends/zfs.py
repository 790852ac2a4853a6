# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""ZFS on a device, or on a loop file that LXD makes: snapshots and copies cost nothing."""

from backends.backend import Backend

BACKEND = Backend(
    name="zfs",
    driver="zfs",
    sized=True,
    on_devices=True,
    needs="module zfs",
)
