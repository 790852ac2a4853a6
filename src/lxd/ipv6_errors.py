# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""LXD's refusal to make a bridge with an IPv6 subnet where the kernel has no IPv6.

Without a value for `ipv6.address` LXD itself would leave IPv6 out there (FillConfig in
driver_bridge.go, 5.0 to 6.9). But a bridge has the same subnets on all members, so the operator
decides.
"""

from __future__ import annotations

_MISSING = "kernel IPv6 support is missing"


def with_cure(error: str) -> str:
    """What helps, in few words. Any other error as it is."""
    return "no IPv6 there; set network-ipv6=none" if _MISSING in error else error
