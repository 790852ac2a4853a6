# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""OVN networks and their uplinks."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import modes as network_modes
from modes import AUTO
from plan.networks.wanted_networks import made
from state.cluster import ClusterView, Network
from state.view import View
from values.status import Status, blocked
from values.wanted_network import WantedNetwork

_NONE = "none"
_RANGES = "ipv4.ovn.ranges"
_FAMILIES = ("ipv4", "ipv6")


def missing(view: View, lxd: ClusterView, net: WantedNetwork) -> Status | None:
    """Blocked for an OVN network without an uplink, or with one that does not exist."""
    if not _has_uplink(net):
        return None
    if not net.uplink:
        # LXD chooses one only if there is a single candidate (validateUplinkNetwork, 5.0 to 6.9).
        _, *more = view.options.wanted_networks
        named = net.name in {other.name for other in more}
        option = "its uplink in networks" if named else "ovn-uplink"
        return blocked(f"network {net.name}: OVN needs an uplink: set {option}")
    uplink = made(lxd, net.uplink)
    if uplink is None:
        return blocked(f"network {net.name}: there is no network {net.uplink}")
    return _without_ranges(view, net, uplink)


def _without_ranges(view: View, net: WantedNetwork, uplink: Network) -> Status | None:
    """Blocked for an uplink with IPv4 and no addresses for routers.

    LXD asks for them (allocateUplinkPortIPs, 5.0 to 6.9). For IPv6 it takes one by itself.
    """
    if not _has(uplink, "ipv4") or uplink.config.get(_RANGES):
        return None
    named = {other.name for other in view.options.wanted_networks[1:]}
    key = "ranges in networks" if uplink.name in named else _RANGES
    return blocked(f"network {net.name}: no addresses for it on {uplink.name}: set its {key}")


def other_uplink(net: WantedNetwork, network: Network, changes: Collection[str]) -> Status | None:
    """Blocked for another uplink of an existing network.

    Its router keeps the address on the old one, and LXD refuses one outside of the new uplink's
    ranges (`Validate` in driver_ovn.go, 5.21 to 6.9).
    """
    if not _has_uplink(net) or "network" not in changes:
        return None
    uplink = network.config.get("network", "")
    return blocked(f"network {net.name}: LXD keeps its uplink {uplink}: set the option back")


def refuses_changes(network: Network) -> bool:
    """Whether LXD refuses every change of an OVN network that leaves its addresses as they are.

    It has an address of a family that its router lacks (LXD issue 17247, 5.21.4 to 6.9). LXD 5.0
    takes changes, but the network works without the charm's notes.
    """
    config = network.config
    with_address = {f for f in _FAMILIES if "/" in config.get(f"{f}.address", "")}
    return network.type == "ovn" and not with_address <= _routed(network)


def fitted(net: WantedNetwork, lxd: ClusterView) -> WantedNetwork:
    """The wanted network with `none` in place of `auto` for a family that its router lacks.

    LXD would choose an address, and refuse each later change of the network (5.21 and later). A
    network that has an address keeps it.
    """
    uplink = made(lxd, net.uplink) if _has_uplink(net) and net.uplink else None
    if uplink is None:
        return net
    current = made(lxd, net.name)
    families = _of_router(uplink, current)
    if not families:
        # LXD may choose addresses: the network is at least one between instances.
        return net
    addresses = {"ipv4": net.ipv4, "ipv6": net.ipv6}
    automatic = {family for family, value in addresses.items() if value == AUTO}
    return replace(net, **dict.fromkeys(automatic - families - _addressed(current), _NONE))


def _addressed(network: Network | None) -> set[str]:
    """The families in which a network has an address."""
    config = network.config if network else dict[str, str]()
    return {family for family in _FAMILIES if "/" in config.get(f"{family}.address", "")}


def _of_router(uplink: Network, current: Network | None) -> set[str]:
    """The families of a network's router on its uplink.

    LXD decides that when it makes the network, and not again when the uplink gets another family.
    """
    if current is not None:
        return _routed(current)
    return {f for f in _FAMILIES if _has(uplink, f)}


def _routed(network: Network) -> set[str]:
    """The families in which the router of an existing network has an address on its uplink."""
    return {f for f in _FAMILIES if network.config.get(f"volatile.network.{f}.address")}


def _has(uplink: Network, family: str) -> bool:
    """Whether an uplink has a family for the routers on it (allocateUplinkPortIPs, 5.0 to 6.9)."""
    config = uplink.config
    return "/" in (config.get(f"{family}.address") or config.get(f"{family}.gateway", ""))


def _has_uplink(net: WantedNetwork) -> bool:
    return "uplink" in network_modes.MODES[net.mode].words
