# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""What tests need of the lab: a model of Juju in memory, charms to deploy, work on a machine."""
