# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Why a network cannot be made or changed as the options ask."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterator, Mapping

import modes as network_modes
from options import subnets as options_subnets
from options.networks import alike
from plan import cluster_change
from plan.networks import contributions, left_bridges, machine_subnets, parents, raw_nics, uplinks
from plan.networks.wanted_networks import mode_of
from state.cluster import ClusterView, Network
from state.view import Peers, View
from steps.networks import UpdateNetwork
from values.lxd_booleans import is_false, is_true
from values.status import Status, blocked
from values.wanted_network import WantedNetwork
from values.yaml_maps import words

_SUBNETS = {"ipv4.address", "ipv6.address", "fan.overlay_subnet"}
_STATEFUL = "ipv6.dhcp.stateful"
_BY_MAC = 64
"""The maximum prefix length of a subnet in which instances make addresses from their MACs."""


def of_new_network(
    view: View,
    lxd: ClusterView,
    peers: Peers,
    net: WantedNetwork,
    links: Mapping[str, str],
) -> Iterator[Status | None]:
    """Why a network cannot be made now. The reasons that need the operator come first.

    `links` are the members' interfaces for it.
    """
    yield uplinks.missing(view, lxd, net)
    yield _taken_interface(view, lxd, net, links)
    yield _taken_subnet(view, lxd, net)
    yield _narrow(view, net)
    yield _outside(net, {})
    yield _name_clash(lxd, net)
    yield _interface_clash(view, lxd, net)
    yield parents.clash(view, lxd, peers, net)
    yield cluster_change.blocker(view, lxd, peers, f"the network {net.name}")
    yield parents.awaited_clash(view, lxd, peers, net)


def of_moved_uplink(
    view: View,
    lxd: ClusterView,
    net: WantedNetwork,
    update: UpdateNetwork,
    links: Mapping[str, str],
) -> Status | None:
    """Why an existing uplink cannot move to other interfaces, or give up its VLAN.

    `links` are the members' interfaces for it.
    """
    moved = links if "vlan" in update.values else {m: links[m] for m in update.members}
    return _taken_interface(view, lxd, net, moved)


def _taken_interface(
    view: View, lxd: ClusterView, net: WantedNetwork, links: Mapping[str, str]
) -> Status | None:
    """Blocked for an uplink on an interface that is in use: LXD would take it away.

    LXD 5.0 allows two networks on one interface if both have their own VLANs: about later ones see
    `lxd.uplink_errors`.
    """
    if not network_modes.MODES[net.mode].exclusive:
        return None
    return _of_network(lxd, net, links) or raw_nics.taken(lxd, net, links, view.interfaces)


def _of_network(lxd: ClusterView, net: WantedNetwork, links: Mapping[str, str]) -> Status | None:
    """Blocked for an uplink on an interface of an existing network."""
    for other in lxd.networks or ():
        shared = {m for m, parent in links.items() if parent and other.parents.get(m) == parent}
        if shared and other.name != net.name and not _has_other_vlan(other, net):
            return blocked(
                f"{links[min(shared)]} is used by {other.name}: name another for {net.name}"
            )
    return None


def _has_other_vlan(network: Network, net: WantedNetwork) -> bool:
    """Whether both networks have a VLAN, and not the same one."""
    vlan = network.config.get("vlan", "")
    return bool(net.vlan and vlan) and vlan != str(net.vlan)


def of_update(
    view: View, lxd: ClusterView, net: WantedNetwork, network: Network, changes: Collection[str]
) -> Status | None:
    """Why an existing network cannot be changed in these keys."""
    subnet = None
    if _SUBNETS & set(changes):
        subnet = _taken_subnet(view, lxd, net) or _narrow(view, net)
    return subnet or _outside(net, network.config) or uplinks.other_uplink(net, network, changes)


def _taken_subnet(view: View, lxd: ClusterView, net: WantedNetwork) -> Status | None:
    """Blocked for a subnet that another network of LXD has."""
    others = [other for other in lxd.networks or () if other.name != net.name]
    for option, cidr in _claims(view, net):
        subnet = ipaddress.ip_interface(cidr).network
        for other in others:
            used = [ipaddress.ip_interface(text).network for text in _in_use(other, net, subnet)]
            if any(subnet.overlaps(taken) for taken in used):
                return blocked(f"{option}={subnet} overlaps {other.name}: choose another")
    return None


def _narrow(view: View, net: WantedNetwork) -> Status | None:
    """Blocked for an OVN network's IPv6 subnet in which OVN gives out no address.

    It makes addresses from MACs. LXD 5.0 takes such a subnet, later ones refuse it (`Validate` in
    driver_ovn.go).
    """
    if network_modes.MODES[net.mode].type != "ovn" or "/" not in net.ipv6:
        return None
    subnet = ipaddress.ip_interface(net.ipv6).network
    by_mac = not (
        is_false(net.config.get("ipv6.dhcp", "")) or is_true(net.config.get(_STATEFUL, ""))
    )
    if subnet.prefixlen <= _BY_MAC or not by_mac:
        return None
    option = machine_subnets.subnet_option(view, net.name, 6)
    return blocked(f"{option}={subnet} is too small: OVN gives out addresses in a /{_BY_MAC}")


def _claims(view: View, net: WantedNetwork) -> Iterator[tuple[str, str]]:
    """The subnets that an operator chose for a network or its router, each with its option."""
    for cidr in machine_subnets.subnets(net):
        version = ipaddress.ip_interface(cidr).version
        yield machine_subnets.subnet_option(view, net.name, version), cidr
    yield from ((f"networks: {net.name}: gateway", cidr) for cidr in net.gateway)


def _in_use(
    other: Network, net: WantedNetwork, subnet: ipaddress.IPv4Network | ipaddress.IPv6Network
) -> list[str]:
    """What another network has of a subnet's version of IP, as CIDRs: its own, and its router's.

    An uplink may be on a bridge of LXD, which is its router then, and two uplinks may have one
    router. No OVN network with another uplink reaches a router.
    """
    own = other.config.get(f"ipv{subnet.version}.address", "")
    router = other.config.get(f"ipv{subnet.version}.gateway", "")
    if net.gateway:
        found = [] if other.name in net.parents else [own]
    elif network_modes.MODES[net.mode].type == "ovn" and net.uplink != other.name:
        found = [own]
    else:
        found = [own, router]
    return [cidr for cidr in found if "/" in cidr]


def _outside(net: WantedNetwork, config: Mapping[str, str]) -> Status | None:
    """Blocked for ranges outside a subnet that LXD chose, or will choose, by itself."""
    if "dhcp-ranges" not in network_modes.MODES[net.mode].words:
        return None
    wanted = {"ipv4": net.ipv4, "ipv6": net.ipv6}
    current = {f: config.get(f"{f}.address") or "none" for f in wanted}
    subnets = [current[family] if value == "auto" else value for family, value in wanted.items()]
    if not (word := options_subnets.outside(words(net.dhcp_ranges), subnets)):
        return None
    family = "ipv6" if ":" in word else "ipv4"
    return blocked(f"network {net.name}: {word} is not in its subnet; set its {family}")


def _name_clash(lxd: ClusterView, net: WantedNetwork) -> Status | None:
    """Blocked for a name that LXD or the charm would treat as a part of another one's."""
    mode = network_modes.MODES[net.mode]
    for other in lxd.networks or ():
        pair = sorted((net.name, other.name))
        bridges = mode.type == other.type == network_modes.MODES["bridge"].type
        if bridges and pair[1].startswith(f"{pair[0]}-"):
            return blocked(
                f"network {net.name}: LXD would delete {pair[1]} with {pair[0]}; rename it"
            )
        spread = net.mode == mode_of(other) == network_modes.SPREAD
        if spread and alike(pair):
            return blocked(f"network {net.name}: too similar to {other.name}; choose another name")
    return None


def _interface_clash(view: View, lxd: ClusterView, net: WantedNetwork) -> Status | None:
    """Blocked for a bridge if LXD would delete an interface of this machine with it."""
    if any(network.name == net.name for network in lxd.networks or ()):
        return None  # It is half made: the interface of that name is its own.
    # LXD itself says about its own bridge why it makes no other one: it may hide the network.
    others = [i for i in left_bridges.without(view) if not (i.made_by_lxd and i.name == net.name)]
    if not (lost := contributions.clashing_interface(others, net.name, net.mode)):
        return None
    return blocked(f"network {net.name}: LXD would delete {lost}; rename the network")
