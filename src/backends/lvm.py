# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""LVM with thin volumes on a device, or on a loop file that LXD makes."""

from backends.backend import Backend

BACKEND = Backend(
    name="lvm",
    driver="lvm",
    sized=True,
    on_devices=True,
    needs="module dm_thin_pool",
)
