# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The configuration that all members share."""
