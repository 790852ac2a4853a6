# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""This machine: snapd, block devices, interfaces, packages, files, LXD's daemon and database."""
