# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""From a unit's view to its steps: pure functions, without I/O, clock or randomness."""
