# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The same requests to the model of LXD and to the real one."""

from importlib import import_module

# This import puts the charm's modules on the path.
import_module("tests.simulation")
