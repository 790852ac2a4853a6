# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The operator's actions, a file for each: what it refuses, and what it does."""
