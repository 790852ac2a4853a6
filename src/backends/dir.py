# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A plain directory: works everywhere, copies every byte."""

from backends.backend import Backend

BACKEND = Backend(
    name="dir", driver="dir", sized=False, on_devices=False, needs="nothing", mounts=False
)
