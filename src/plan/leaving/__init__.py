# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""How units and members leave the cluster."""
