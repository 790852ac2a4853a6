# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A stand-in for Juju and its machines on one computer: see lab/README.md."""
