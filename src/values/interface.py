"""A network interface of a machine."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Interface:
    """What is to be known of it. `subnets` are its addresses with their prefix lengths."""

    name: str
    bridge: bool = False
    vlans: bool = False
    """Whether it is a bridge that keeps VLANs apart."""
    subnets: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    """Other subnets that are reached by it, as CIDRs."""
    routers: tuple[str, ...] = ()
    """By which the machine itself reaches the world, with their prefix lengths."""
    resolvers: tuple[str, ...] = ()
    """The machine's name servers, where the interface is its way out."""
    virtual_functions: int = 0
    """How many it can have."""
    mtu: int = 0
    """Bytes of a packet, 0 if not known."""
    up: bool = True
    """Whether somebody has set it up. It may have no carrier."""
    master: str = ""
    """The bridge or bond that it is a port of."""
    wireless: bool = False
    defaults: frozenset[int] = frozenset()
    """Versions of IP whose default route goes out by it."""
    lxds: bool = False
    """Whether LXD made it: a bridge or a tunnel of one of its networks."""
    inner: bool = False
    """Whether it is a bridge that leads off this machine by none of its ports."""
    secondary: frozenset[str] = frozenset()
    """Those of its addresses that the kernel calls secondary: not the first in their subnet."""
