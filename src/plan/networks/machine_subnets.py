# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The subnets of networks, and whether this machine has any of them."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from typing import TypeAlias

import modes
from plan.networks.wanted_networks import names
from state.peers import UnitData
from state.view import View
from values.interface import Interface
from values.status import Status, StatusText, blocked
from values.wanted_network import WantedNetwork

_Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

_AUTOMATIC = ipaddress.ip_network("10.0.0.0/8")
"""The charm chooses a subnet with this prefix length in it."""
_WIDTH = 16
_LOOPBACK = "lo"
"""The interface that the kernel shows for routes that drop packets."""


def _takes_subnets(wanted: WantedNetwork) -> bool:
    """Whether a network has subnets of its own, which the options can choose."""
    return "ipv4" in modes.MODES[wanted.mode].words


def subnets(wanted: WantedNetwork) -> list[str]:
    """The subnets that an operator chose for a network."""
    if not _takes_subnets(wanted):
        return []
    return [address for address in (wanted.ipv4, wanted.ipv6) if "/" in address]


def subnet_option(view: View, network: str, version: int) -> str:
    """The option with a wanted network's subnet of that version of IP."""
    _, *more = view.options.wanted_networks
    named = network in {net.name for net in more}
    return f"networks: {network}: ipv{version}" if named else f"network-ipv{version}"


def overlap(view: View, wanted: WantedNetwork) -> StatusText:
    """The message if a network would overlap a subnet of this machine, else empty.

    Interfaces with the network's names are LXD's. They are checked where the networks are known.
    """
    own = {wanted.name, modes.other_name(wanted.name, wanted.mode)}
    for subnet in subnets(wanted):
        net = ipaddress.ip_interface(subnet).network
        if other := _overlapping(view, subnet, own):
            return f"{subnet_option(view, wanted.name, net.version)}={net} overlaps {other}"
    return ""


def published(view: View) -> list[list[str]]:
    """The bridges of the cluster, by the coordinator's data: each its name and its subnets."""
    others = view.peers.others.values() if view.peers else ()
    found = {bridge for data in others if data.cluster for bridge in data.bridges}
    return [bridge.split() for bridge in sorted(found) if bridge.strip()]


def in_use(view: View) -> str:
    """The message if this machine already has the subnet of a bridge of the cluster, else empty."""
    return in_use_of(view, published(view))


def in_use_of(view: View, bridges: Collection[list[str]]) -> StatusText:
    """The same for these bridges, each its name and its subnets.

    LXD's own interfaces do not count: on a member the bridges exist.
    """
    made_by_lxd = {interface.name for interface in view.interfaces if interface.made_by_lxd}
    for name, *subnets in bridges:
        for subnet in subnets:
            if other := _overlapping(view, subnet, made_by_lxd | {name}):
                net = ipaddress.ip_interface(subnet).network
                if option := _option_of(view, name, {n for n, *_ in bridges}, net.version):
                    return f"network {name}: {net} overlaps {other}: set {option}"
                key = f"ipv{net.version}.address"
                return f"{other} overlaps {name}: lxc network set {name} {key}=CIDR"
    return ""


def clash(view: View, own: UnitData) -> Status | None:
    """Blocked while this member's machine has the subnet of an existing bridge.

    LXD or the charm chose the subnet by the addresses of another machine, or this one got an
    address later. An operator's own bridges do not count.
    """
    wanted = {name for net in view.options.wanted_networks for name in names(net)}
    bridges = [*published(view), *(bridge.split() for bridge in own.bridges)]
    problem = in_use_of(view, [bridge for bridge in bridges if bridge[0] in wanted])
    return blocked(problem) if problem else None


def taken(view: View, wanted: WantedNetwork) -> tuple[str, ...]:
    """This machine's subnets that the charm must not choose for a network.

    Empty if it chooses none. They are as coarse as that choice: each change triggers hooks on all
    other units.
    """
    if wanted.ipv4 != modes.AUTO:
        return ()
    own = [i for i in view.interfaces if not i.made_by_lxd]
    cidrs = [cidr for i in own for cidr in (*i.subnets, *i.routes)]
    nets = [ipaddress.ip_interface(cidr).network for cidr in cidrs]
    found = [net for net in nets if net.version == 4 and net.overlaps(_AUTOMATIC)]
    return tuple(map(str, sorted(ipaddress.collapse_addresses(map(_block, found)))))


def _block(net: ipaddress.IPv4Network) -> ipaddress.IPv4Network:
    return net.supernet(new_prefix=_WIDTH) if net.prefixlen > _WIDTH else net


def _option_of(view: View, bridge: str, bridges: Collection[str], version: int) -> str:
    """The option that changes the subnet of an existing bridge, empty if none does."""
    first, *more = view.options.wanted_networks
    if bridge in {net.name for net in more if _takes_subnets(net)}:
        return f"ipv{version} in networks"
    name, other = names(first)
    # Where the default network has its other name, the first one is that of another network.
    default = other if other in bridges else name
    return f"network-ipv{version}" if bridge == default and _takes_subnets(first) else ""


def _overlapping(view: View, cidr: str, but: Collection[str]) -> str:
    """The subnet of an interface, or the route, that overlaps a subnet; empty if none does."""
    net = ipaddress.ip_interface(cidr).network
    overlaps = (_of_interface(i, net) for i in view.interfaces if i.name not in but)
    return next(filter(None, overlaps), "")


def _of_interface(interface: Interface, net: _Network) -> str:
    """What an interface has or reaches that overlaps a subnet, empty if nothing does."""
    for subnet in interface.subnets:
        used = ipaddress.ip_interface(subnet).network
        if _overlap(used, net):
            return f"{used} of {interface.name}"
    for route in interface.routes:
        used = ipaddress.ip_network(route)
        if interface.name == _LOOPBACK and used == net:
            continue  # A BGP daemon announces the network with such a route.
        # A wider route covers many networks: the more specific route is meant to win.
        if _overlap(used, net) and used.prefixlen >= net.prefixlen:
            return f"{used} by {interface.name}"
    return ""


def _overlap(used: _Network, net: _Network) -> bool:
    return used.version == net.version and used.overlaps(net)
