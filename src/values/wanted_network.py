"""A network as the operator asks for it."""

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
    """Bytes; 0 leaves it to LXD."""
    domain: str = ""
    dhcp_ranges: str = ""
    uplink: str = ""
    """The network by which an overlay reaches the world."""
    gateway: tuple[str, ...] = ()
    """Of a network that is an uplink: the router's own addresses with their prefix lengths."""
    ranges: tuple[str, ...] = ()
    """Of an uplink: the addresses that overlays may take."""
    dns: tuple[str, ...] = ()
    group: str = "auto"
    """The multicast group by which the members' tunnels find one another; `none` for unicast."""
    config: Mapping[str, str] = field(default_factory=dict[str, str])
