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
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from modes.vxlan import MODE, TUNNEL
from plan.networks import networks
from state.cluster import ClusterView, Network
from state.facts import OverlayDhcp
from state.view import Peers, View
from steps.networks import EndOverlayDhcp, RunOverlayDhcp
from steps.plan import Step
from values.status import Status, blocked
from values.wanted_network import WantedNetwork

NARROWEST = 26
"""Prefix length: a narrower subnet has no shares."""
_NONE = "none"


@dataclass(frozen=True)
class MemberOverlay:
    """This member's DHCP of an overlay, or why there can be none."""

    overlay: OverlayDhcp | None = None
    problem: Status | None = None


def asked(wanted: Iterable[WantedNetwork], running: Mapping[str, str]) -> bool:
    """Whether a network of that kind is wanted, or was."""
    return bool(running) or any(net.mode == MODE.name for net in wanted)


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
    ]


def problem(view: View, lxd: ClusterView, peers: Peers) -> Status | None:
    """Why this member cannot have its part."""
    problems = (own.problem for own in _overlays(view, lxd, peers))
    return next((status for status in problems if status), None)


def _overlays(view: View, lxd: ClusterView, peers: Peers) -> list[MemberOverlay]:
    return [_overlay(view, lxd, peers, network) for network in _made(lxd)]


def _made(lxd: ClusterView) -> list[Network]:
    made = [n for n in lxd.networks or () if networks.is_of(n, MODE) and not n.half_made]
    return sorted(made, key=lambda n: n.name)


def _overlay(view: View, lxd: ClusterView, peers: Peers, network: Network) -> MemberOverlay:
    address = network.config.get("ipv4.address", _NONE)
    if "/" not in address:
        return MemberOverlay()
    gateway = ipaddress.IPv4Interface(address)
    if gateway.network.prefixlen > NARROWEST:
        return MemberOverlay(
            problem=blocked(f"network {network.name}: {gateway} is narrower than /26")
        )
    if unit := _same_share(view, peers, gateway):
        reason = f"{gateway.network} has no free share beside {unit}'s; use a wider subnet"
        return MemberOverlay(problem=blocked(f"network {network.name}: {reason}"))
    first, last = share(share_number(view.unit, gateway), gateway)
    own = lxd.member(lxd.server.name)
    others = [m.address for m in lxd.members if own is None or m.name != own.name]
    unicast = _is_unicast(view, network.name)
    overlay = OverlayDhcp(
        network=network.name,
        gateway=address,
        first=str(first),
        last=str(last),
        mac=network.config.get("bridge.hwaddr", ""),
        group=network.config.get(f"{TUNNEL}group", ""),
        peers=tuple(sorted(others)) if unicast else (),
    )
    return MemberOverlay(overlay)


def _same_share(view: View, peers: Peers, gateway: ipaddress.IPv4Interface) -> str:
    """The unit of another member with this unit's share, empty if there is none.

    The first of two units with one share has it.
    """
    own_share = share_number(view.unit, gateway)
    earlier = (u for u in sorted(peers.others) if peers.others[u].cluster and u < view.unit)
    return next((unit for unit in earlier if share_number(unit, gateway) == own_share), "")


def _is_unicast(view: View, name: str) -> bool:
    """The option's value for the network. A network that no option names any more is multicast."""
    return any(net.mode == MODE.name and net.group == _NONE for net in _named(view, name))


def _named(view: View, name: str) -> list[WantedNetwork]:
    first, *more = view.options.networks_asked
    same_name = [net for net in more if net.name == name]
    # The default network may have another name than the option's.
    return same_name or [first]


def share_number(unit: str, gateway: ipaddress.IPv4Interface) -> int:
    """The share of a unit in a subnet: Juju never reuses a unit's number."""
    match = re.search(r"/(\d+)$", unit)
    number = int(match[1]) if match else 0
    # The first share is for the gateway and for addresses that operators assign themselves.
    return number % (_count(gateway) - 1) + 1


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
    return f"3 Segment{str(overlay).removeprefix(type(overlay).__name__)}"
