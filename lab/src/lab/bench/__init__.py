# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The bench: daemons of any LXD in namespaces of this computer, without machines and snapd."""
