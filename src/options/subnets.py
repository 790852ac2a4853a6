# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Whether an operator's addresses are consistent: subnets, and the ranges in them."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

from values.lxd_booleans import is_false
from values.yaml_maps import words

if TYPE_CHECKING:
    from values.wanted_network import WantedNetwork


def outside(ranges: Iterable[str], gateways: Iterable[str]) -> str:
    """A range of addresses that is in none of the subnets of its family, empty if there is none.

    `gateways` are CIDRs, `none`, or `auto`, which accepts all of its family: first IPv4, then IPv6.
    A range must not include the gateway or the broadcast address either.
    """
    subnets = dict(zip((4, 6), gateways, strict=True))
    for word in ranges:
        first, _, last = word.partition("-")
        low, high = ipaddress.ip_address(first), ipaddress.ip_address(last or first)
        gateway = subnets[low.version]
        if gateway == "auto":
            continue
        if gateway == "none" or not _within(low, high, ipaddress.ip_interface(gateway)):
            return word
    return ""


_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Interface = ipaddress.IPv4Interface | ipaddress.IPv6Interface


def _within(low: _Address, high: _Address, gateway: _Interface) -> bool:
    net = gateway.network
    ends = {net.network_address, net.broadcast_address} if net.version == 4 else set[_Address]()
    in_net = low in net and high in net and not {low, high} & ends
    return in_net and not int(low) <= int(gateway.ip) <= int(high)


def misfit(net: WantedNetwork, ranges_in: Literal["", "subnet", "gateway"]) -> str:
    """The inconsistent value of a network, empty if there is none.

    `ranges_in` is that of the network's mode.
    """
    subnets = (net.ipv4, net.ipv6)
    dhcp = words(net.dhcp_ranges)
    if word := outside(dhcp, subnets):
        return f"dhcp-ranges: {word} is not in its subnet"
    if ranges_in == "subnet" and (word := outside(net.ranges, subnets)):
        return f"ranges: {word} is not in its subnet"
    if ranges_in == "gateway" and (word := outside(net.ranges, _routed(net))):
        return f"ranges: {word} is not in its gateway's subnet"
    if ranges_in == "subnet" and _given_out(net, dhcp):
        return "ranges need dhcp-ranges beside them"
    if pair := _crossing(dhcp, net.ranges):
        return f"{pair[1]} is in dhcp-ranges and in ranges"
    return ""


def _given_out(net: WantedNetwork, dhcp: Iterable[str]) -> bool:
    """Whether DHCP of a bridge has its whole subnet, with OVN's IPv4 ranges: LXD refuses that."""
    kept_apart = any(":" not in word for word in dhcp) or is_false(net.config.get("ipv4.dhcp", ""))
    return not kept_apart and any(":" not in word for word in net.ranges)


def _routed(net: WantedNetwork) -> tuple[str, str]:
    """The routers of an uplink by family. By default they are found when the network is made."""
    gateways = {ipaddress.ip_interface(gateway).version: gateway for gateway in net.gateway}
    missing = "none" if gateways else "auto"
    return gateways.get(4, missing), gateways.get(6, missing)


def _crossing(ranges: Iterable[str], other_ranges: Iterable[str]) -> tuple[str, str] | None:
    for left in ranges:
        for right in other_ranges:
            (low, high), (first, last) = _ends(left), _ends(right)
            apart = int(high) < int(first) or int(last) < int(low)
            if low.version == first.version and not apart:
                return left, right
    return None


def _ends(word: str) -> tuple[_Address, _Address]:
    first, _, last = word.partition("-")
    return ipaddress.ip_address(first), ipaddress.ip_address(last or first)


def same_subnet(nets: Iterable[WantedNetwork]) -> tuple[str, str] | None:
    """Two networks whose subnets overlap, by name."""
    subnets: list[tuple[str, ipaddress.IPv4Network | ipaddress.IPv6Network]] = []
    for net in nets:
        for address in (net.ipv4, net.ipv6):
            if "/" not in address:
                continue
            subnet = ipaddress.ip_interface(address).network
            for name, other in subnets:
                if name != net.name and other.version == subnet.version and other.overlaps(subnet):
                    return name, net.name
            subnets.append((net.name, subnet))
    return None
