# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The effect and the answer of each request, in a module for each kind of object."""
