# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""No default network: the operator attaches instances to other networks."""

from modes.mode import Mode

MODE = Mode(name="none")
