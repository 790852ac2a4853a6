# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The parts of a plan: each step says what must be true afterwards."""
