# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Juju's input to a unit, and what the unit publishes through Juju."""
