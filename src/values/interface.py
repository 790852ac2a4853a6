# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A network interface of a machine."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Interface:
    """An interface. `subnets` are its addresses with their prefix lengths."""

    name: str
    bridge: bool = False
    vlans: bool = False
    """Whether it is a bridge that separates VLANs."""
    subnets: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    """Other subnets with a route through it, as CIDRs."""
    routers: tuple[str, ...] = ()
    """The routers of the machine's default routes through it, with their prefix lengths."""
    resolvers: tuple[str, ...] = ()
    """The machine's name servers, if a default route uses the interface."""
    virtual_functions: int = 0
    """The maximum number of virtual functions."""
    mtu: int = 0
    """Bytes of a packet, 0 if unknown."""
    up: bool = True
    """Whether it is set up. It may have no carrier."""
    master: str = ""
    """The bridge or bond that it is a port of."""
    base: str = ""
    """The interface that it is made on, of a VLAN or a macvlan."""
    vlan: int = 0
    """Its VLAN on that interface, 0 for none."""
    wireless: bool = False
    defaults: frozenset[int] = frozenset()
    """Versions of IP with a default route through it."""
    made_by_lxd: bool = False
    """Whether LXD made it: a bridge or a tunnel of one of its networks."""
    inner: bool = False
    """Whether it is a bridge without a port that leads off this machine."""
    secondary: frozenset[str] = frozenset()
    """Its addresses that the kernel calls secondary: not the first in their subnet."""
