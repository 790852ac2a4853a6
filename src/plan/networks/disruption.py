# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Changes of a network that cut off what is on it: they need `network-disruptive`."""

from __future__ import annotations

import re

import modes as network_modes
from modes.vxlan import TTL
from state.cluster import Network
from steps.networks import UpdateNetwork
from values.lxd_booleans import is_false, is_true
from values.status import Status, blocked, count

_CUTTING = (
    "ipv4.address",
    "ipv6.address",
    "ipv4.gateway",
    "ipv6.gateway",
    "vlan",
    "network",
    "tunnel.",
    "fan.",
    "bridge.hwaddr",
    "bridge.driver",
)
"""Prefixes of keys whose change cuts off instances. LXD stops a bridge to change its driver."""
_SERVING = frozenset({"ipv4.dhcp", "ipv4.routing", "ipv6.dhcp", "ipv6.routing"})
"""Keys that cut off instances if they are turned off. LXD's default is on."""
_STATEFUL = "ipv6.dhcp.stateful"
"""Without it LXD's DHCP gives out no IPv6 addresses any more, and LXD starts and changes no
instance that has reserved one (`validateConfig` in nic_bridged.go, 5.0 to 6.9). It is off by
default.
"""
_HARMLESS_IN_OVERLAY = frozenset({"ipv4.dhcp", TTL})
"""The charm itself gives out addresses there. LXD makes the tunnels again with every change of a
bridge (`setup` in driver_bridge.go, 5.0 to 6.9), and the peers come back within seconds.
"""
_RANGES = re.compile(r"ipv[46]\.((?:dhcp|ovn)\.ranges)")
"""Keys that cut off the OVN networks of an uplink. Their routers keep the addresses from the old
ranges, and dnsmasq gives them to others without a look (`--no-ping`; by source, 5.0 to 6.9).
"""
_INSTANCES = "/1.0/instances/"
_NETWORKS = "/1.0/networks/"


def fixed(network: Network, mode: str, update: UpdateNetwork) -> Status | None:
    """Blocked for a key that LXD does not change while anything is on the network."""
    keys = {*update.values, *(("parent",) if update.members else ())}
    refused = sorted(network_modes.MODES[mode].fixed_in_use & keys)
    if not refused or not network.used_by:
        return None
    key, on_it = refused[0], _anything(network)
    return blocked(
        f"network {network.name}: LXD keeps its {key} with {on_it} on it: set the option back"
    )


def fixed_parent(network: Network, mode: str, parent: str) -> Status | None:
    """The same for a member's own interface."""
    if "parent" not in network_modes.MODES[mode].fixed_in_use or not network.used_by:
        return None
    on_it = _anything(network)
    return blocked(
        f"network {network.name}: LXD keeps {parent} with {on_it} on it: bring {parent} back"
    )


def _anything(network: Network) -> str:
    return users(network) or count(len(network.used_by), "user")


def cut_off(network: Network, mode: str, update: UpdateNetwork) -> str:
    """What an update cuts off, with the first key that does so. Empty if it cuts off nothing."""
    on_it, cutting = users(network), _cutting_keys(mode, update)
    # Without the family the status is short enough.
    if cutting and on_it:
        named = cutting[0].removeprefix("ipv6.") if cutting[0] == _STATEFUL else cutting[0]
        return f"{named} cuts off {on_it}"
    ranges = sorted(match[1] for key in update.values if (match := _RANGES.fullmatch(key)))
    routers = _networks_on(network)
    return f"{ranges[0]} cuts off {count(routers, 'network')}" if ranges and routers else ""


def _cutting_keys(mode: str, update: UpdateNetwork) -> list[str]:
    """The keys of an update whose new values cut off instances."""
    shared = sorted(key for key, value in update.values.items() if _cuts(mode, key, value))
    return [*shared, *(["parent"] if update.members else [])]


def _cuts(mode: str, key: str, value: str) -> bool:
    """Whether a key's new value cuts off what is on the network."""
    if mode == network_modes.SPREAD and key in _HARMLESS_IN_OVERLAY:
        return False
    turned_off = key in _SERVING and is_false(value)
    return key.startswith(_CUTTING) or turned_off or (key == _STATEFUL and not is_true(value))


def users(network: Network) -> str:
    """How many instances and networks are on a network, empty for none.

    The routers of OVN networks keep the old next hop when the address or the gateway of their
    uplink changes (by source, 5.0 to 6.9).
    """
    instances = sum(user.startswith(_INSTANCES) for user in network.used_by)
    networks = _networks_on(network)
    noun = "user" if instances and networks else "network" if networks else "instance"
    return count(instances + networks, noun) if instances or networks else ""


def _networks_on(network: Network) -> int:
    return sum(user.startswith(_NETWORKS) for user in network.used_by)
