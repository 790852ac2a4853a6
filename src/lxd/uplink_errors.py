# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""OVN networks with an address of a family that their uplink does not have.

LXD makes such a network, and from 5.21 on refuses every later change of it that keeps the address
(`Update` in driver_ovn.go, 5.21.4 to 6.9).
"""

from __future__ import annotations

import re

_EMPTY = re.compile(r'Uplink address key "volatile\.network\.ipv([46])\.address" cannot be empty')


def named(error: str) -> str:
    """What helps, in 38 characters: a status keeps so many. Any other error as it is."""
    match = _EMPTY.search(error)
    if match is None:
        return error
    return f"no IPv{match[1]} uplink; set network-ipv{match[1]}=none"
