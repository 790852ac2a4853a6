# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""LXD's API, a module for each kind of object. `lxd.api.LxdApi` combines them."""
