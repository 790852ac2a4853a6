# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Plans while LXD or its database does not answer."""
