# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The charm's options with their types, and messages that say what is allowed."""
