# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""What LXD refuses about uplinks, and the networks on them.

LXD makes an OVN network with an address of a family that its uplink does not have, and from 5.21 on
refuses every later change of it that keeps the address (`Update` in driver_ovn.go, 5.21.4 to 6.9).
It makes no physical network while two networks have one interface on another member, even if both
have their own VLAN (`checkParentUse` in driver_physical.go, 5.21.7, and 6.4 to 6.9).
"""

from __future__ import annotations

import re

_EMPTY = re.compile(r'Uplink address key "volatile\.network\.ipv([46])\.address" cannot be empty')
_SHARED = re.compile(r'Parent interface "([^"]+)" in use by another network on cluster member')


def with_cure(error: str) -> str:
    """What helps, in 38 characters: a status keeps that many. Any other error stays as it is."""
    if match := _EMPTY.search(error):
        return f"no IPv{match[1]} uplink; set network-ipv{match[1]}=none"
    if match := _SHARED.search(error):
        return f"name {match[1]}'s VLANs as parents"
    return error
