# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""This member's part of a network that is one layer 2 over all members: addresses and peers.

Every member is the gateway of its own instances, with one address and one MAC. It gives them
addresses from its own share of the subnet, which no other member uses. So no address is given out
twice, even if members join, leave or are cut off, and no member must remember the leases of others.
LXD's own DHCP cannot do that: its ranges are the same on every member.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from modes.vxlan import MODE, NARROWEST, REACHED_BY, TUNNEL, UNICAST, is_unicast
from plan.networks import wanted_networks
from state.cluster import ClusterView, Network
from state.facts import OverlayDhcp
from state.peers import UnitData
from state.view import Peers, View
from steps.networks import EndOverlayDhcp, RunOverlayDhcp
from steps.plan import Step
from values.status import Status, blocked
from values.unit_names import number
from values.wanted_network import WantedNetwork

_NONE = "none"


@dataclass(frozen=True)
class MemberOverlay:
    """This member's DHCP of an overlay, or why there can be none."""

    overlay: OverlayDhcp | None = None
    problem: Status | None = None


def concerned(
    wanted: Iterable[WantedNetwork], running: Mapping[str, str], others: Iterable[UnitData]
) -> bool:
    """Whether a member may have its part of a network of that kind, by what it knows without LXD.

    If no option names the network any more, a new member learns of it from the coordinator's data.
    """
    in_options = any(net.mode == MODE.name for net in wanted)
    return in_options or bool(running) or any(data.cluster and data.spread for data in others)


def names(lxd: ClusterView) -> tuple[str, ...]:
    """The existing networks of that kind."""
    return tuple(network.name for network in _made(lxd))


def steps(view: View, lxd: ClusterView, peers: Peers) -> list[Step]:
    """Steps that give this machine what the networks need."""
    wanted = [own.overlay for own in _overlays(view, lxd, peers) if own.overlay]
    names = {overlay.network for overlay in wanted}
    due: list[Step] = [EndOverlayDhcp(name) for name in sorted(view.overlays.keys() - names)]
    return due + [
        RunOverlayDhcp(overlay)
        for overlay in wanted
        if view.overlays.get(overlay.network) != record(overlay)
        and not _failed(view, overlay.network)
    ]


def _failed(view: View, network: str) -> bool:
    """Whether a network's DHCP was started in this run, and has ended since."""
    return network in view.history.served and not view.overlays.get(network)


def problem(view: View, lxd: ClusterView, peers: Peers) -> Status | None:
    """Why DHCP cannot start here, or has ended after its start."""
    for own in _overlays(view, lxd, peers):
        if own.problem:
            return own.problem
        if own.overlay and _failed(view, own.overlay.network):
            return _failure(own.overlay)
    return None


def _failure(overlay: OverlayDhcp) -> Status:
    name = overlay.network
    if overlay.gateway:
        return blocked(f"network {name}: DHCP fails: systemctl status lxd-cluster-dhcp-{name}")
    peers = f"lxd-cluster-peers-{name}"
    return blocked(f"network {name}: its peers are lost: systemctl status {peers}")


def before_join(view: View, peers: Peers) -> Status | None:
    """Why a unit cannot have its part after a join: another member has its share.

    If this unit has the lower number, its join would end the DHCP of that member.
    """
    for network, gateway in _published(peers):
        if unit := _first_with_share(view.unit, _members(peers), gateway):
            return _no_share(network, gateway, unit)
    return None


def _published(peers: Peers) -> Iterator[tuple[str, ipaddress.IPv4Interface]]:
    """The existing networks of that kind with their gateways, from the coordinator's data."""
    for data in peers.others.values():
        for name, *subnets in (bridge.split() for bridge in data.bridges if data.cluster):
            gateways = map(ipaddress.ip_interface, subnets if name in data.spread else ())
            yield from ((name, g) for g in gateways if isinstance(g, ipaddress.IPv4Interface))


def _overlays(view: View, lxd: ClusterView, peers: Peers) -> list[MemberOverlay]:
    return [_overlay(view, lxd, peers, network) for network in _made(lxd)]


def _made(lxd: ClusterView) -> list[Network]:
    made = [n for n in lxd.networks or () if wanted_networks.is_of(n, MODE) and not n.half_made]
    return sorted(made, key=lambda n: n.name)


def _overlay(view: View, lxd: ClusterView, peers: Peers, network: Network) -> MemberOverlay:
    address = network.config.get("ipv4.address", _NONE)
    overlay = _without_dhcp(view, lxd, network)
    if "/" not in address:
        # Without IPv4 there are no addresses to give out: LXD announces those of IPv6.
        return MemberOverlay(overlay if overlay.peers else None)
    gateway = ipaddress.IPv4Interface(address)
    if gateway.network.prefixlen > NARROWEST:
        return MemberOverlay(
            problem=blocked(f"network {network.name}: {gateway} is narrower than /26")
        )
    earlier = [unit for unit in _members(peers) if number(unit) < number(view.unit)]
    if unit := _first_with_share(view.unit, earlier, gateway):
        return MemberOverlay(problem=_no_share(network.name, gateway, unit))
    first, last = share(share_number(view.unit, gateway), gateway)
    return MemberOverlay(replace(overlay, gateway=address, first=str(first), last=str(last)))


def _without_dhcp(view: View, lxd: ClusterView, network: Network) -> OverlayDhcp:
    """This member's part of an overlay, which only connects it to the other members."""
    others = [m.address for m in lxd.members if m.name != lxd.server.name]
    return OverlayDhcp(
        network=network.name,
        mac=network.config.get("bridge.hwaddr", ""),
        group=network.config.get(f"{TUNNEL}group", ""),
        mtu=network.config.get("bridge.mtu") or OverlayDhcp.mtu,
        peers=tuple(sorted(others)) if _is_unicast(view, lxd, network) else (),
    )


def _members(peers: Peers) -> list[str]:
    """The other units that are members, in the order of their numbers."""
    return sorted((u for u, data in peers.others.items() if data.cluster), key=number)


def _first_with_share(unit: str, others: list[str], gateway: ipaddress.IPv4Interface) -> str:
    """The first of other units that has a unit's share, empty if there is none.

    If two members have one share, the unit with the lower number keeps it.
    """
    if gateway.network.prefixlen > NARROWEST:
        return ""
    own_share = share_number(unit, gateway)
    return next((other for other in others if share_number(other, gateway) == own_share), "")


def _no_share(network: str, gateway: ipaddress.IPv4Interface, unit: str) -> Status:
    reason = f"{gateway.network} has no free share beside {unit}'s; use a wider subnet"
    return blocked(f"network {network}: {reason}")


def _is_unicast(view: View, lxd: ClusterView, network: Network) -> bool:
    """The option's value for the network, or the noted one if no option names it any more."""
    wanted = wanted_networks.of_options(view.options, lxd.networks or ())
    # If two have one name, the later one counts: see `wanted_networks.contested`.
    named = {net.name: net for net in wanted if net.mode == MODE.name}.get(network.name)
    if named is None and (noted := network.config.get(REACHED_BY)):
        return noted == UNICAST
    # Older charms noted nothing, and used the default network's value.
    net = named or wanted[0]
    return net.mode == MODE.name and is_unicast(net)


def share_number(unit: str, gateway: ipaddress.IPv4Interface) -> int:
    """The share of a unit in a subnet: Juju never reuses a unit's number."""
    # The first share is for the gateway and for addresses that operators assign themselves.
    return number(unit) % (_count(gateway) - 1) + 1


def share(
    number: int, gateway: ipaddress.IPv4Interface
) -> tuple[ipaddress.IPv4Address, ipaddress.IPv4Address]:
    """The first and the last address of a share."""
    net = gateway.network
    size = net.num_addresses // _count(gateway)
    first = net.network_address + number * size
    last = first + size - 1
    return first, last - 1 if last == net.broadcast_address else last


def _count(gateway: ipaddress.IPv4Interface) -> int:
    """The number of shares in a subnet: about as many as each has addresses."""
    bits = 32 - gateway.network.prefixlen
    return 2 ** (bits // 2)


def record(overlay: OverlayDhcp) -> str:
    """The note about a running segment. The number goes up with the files of `host`."""
    return f"4 Segment{str(overlay).removeprefix(type(overlay).__name__)}"
