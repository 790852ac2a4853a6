# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Executes the steps of a plan, by topic."""
