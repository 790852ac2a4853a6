# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The charm's records in LXD's database, for all members."""
