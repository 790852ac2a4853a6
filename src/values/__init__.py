# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Plain values and text, without knowledge of the cluster: all other packages use them."""
