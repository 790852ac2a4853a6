# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A network as the operator wants it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class WantedNetwork:
    """One network, the same on every member. `parents` are interfaces in order of preference."""

    name: str
    mode: str
    parents: tuple[str, ...] = ()
    vlan: int = 0
    """0 for none."""
    ipv4: str = "auto"
    ipv6: str = "auto"
    nat: bool = True
    mtu: int = 0
    """Bytes; 0 lets LXD choose."""
    domain: str = ""
    dhcp_ranges: str = ""
    uplink: str = ""
    """The uplink network of an overlay."""
    gateway: tuple[str, ...] = ()
    """The own addresses of an uplink network's router, with their prefix lengths."""
    ranges: tuple[str, ...] = ()
    """The addresses of an uplink network that overlays may use."""
    dns: tuple[str, ...] = ()
    group: str = "auto"
    """The multicast group of the members' tunnels; `none` for unicast."""
    config: Mapping[str, str] = field(default_factory=dict[str, str])
    named: str = ""
    """The name in the option, if a network of another mode has it."""
