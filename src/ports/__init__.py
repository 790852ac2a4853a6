# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Interfaces to everything outside this process that the charm looks at and changes."""
