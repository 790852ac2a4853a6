# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Looks at LXD, the snap and the machine, and changes nothing."""
