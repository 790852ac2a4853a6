"""Network modes: what one word of the option `network-mode` means to LXD.

A new mode is one file beside this one and one row in `MODES`.
"""

from __future__ import annotations

from networks import bridge, none
from networks.mode import Mode, Subnets, drift

MODES: dict[str, Mode] = {m.name: m for m in (bridge.MODE, none.MODE)}
LATER = frozenset({"flat", "macvlan", "physical", "sriov", "vxlan", "fan", "ovn"})
"""Planned, and refused by name until they are supported here."""

__all__ = ["LATER", "MODES", "Mode", "Subnets", "drift"]
