# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A unit's view, as plain values: Juju, the peers, LXD, the machine."""
