# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The LXD to install, and when to exchange it."""
