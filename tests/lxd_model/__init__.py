# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A model of LXD in memory: servers that answer requests, their clusters and their machines.

The simulation, the unit tests and a server on a Unix socket all run on it. It knows three
generations of LXD. Tests compare it with recorded answers of real daemons.
"""
