# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A fuzzer for all input that the charm reads. See __main__.py."""
