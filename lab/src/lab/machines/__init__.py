# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The lab's machines: containers or emulated computers with systemd, snapd and a place for LXD."""
