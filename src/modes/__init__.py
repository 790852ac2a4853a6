# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Network modes: the meaning of each word of the option `network-mode` for LXD.

A new mode is one file beside this one and one row in `_ROWS`.
"""

from __future__ import annotations

from modes import bridge, fan, flat, macvlan, none, ovn, physical, sriov, vxlan
from modes.mode import AUTO, MARK, NAMED, Mode, Site, drift, other_name

_ROWS = (bridge, fan, flat, macvlan, none, ovn, physical, sriov, vxlan)

MODES: dict[str, Mode] = {row.MODE.name: row.MODE for row in _ROWS}

SPREAD = vxlan.MODE.name
"""The mode in which each member runs its own part: see `plan.networks.overlay_dhcp`."""

__all__ = ["AUTO", "MARK", "MODES", "NAMED", "SPREAD", "Mode", "Site", "drift", "other_name"]
