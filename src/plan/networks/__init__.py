# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The cluster's networks."""
