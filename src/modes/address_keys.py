# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""LXD's keys for the addresses of a network."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from values.wanted_network import WantedNetwork
from values.yaml_maps import words

BRIDGE_WORDS = frozenset({"ipv4", "ipv6", "nat", "mtu", "domain", "dhcp-ranges"})


WORD_OF_BRIDGE = {
    "ipv4.address": "ipv4",
    "ipv6.address": "ipv6",
    "bridge.mtu": "mtu",
    "dns.domain": "domain",
    "ipv4.dhcp.ranges": "dhcp-ranges",
    "ipv6.dhcp.ranges": "dhcp-ranges",
}
"""By LXD's key: the word that sets it. `nat` is one word for both families, LXD has two keys."""
WORD_OF_RANGES = {f"ipv{version}.ovn.ranges": "ranges" for version in (4, 6)}
WORD_OF_UPLINK = {
    **{f"ipv{version}.gateway": "gateway" for version in (4, 6)},
    "dns.nameservers": "dns",
    **WORD_OF_RANGES,
}


def of_bridge(wanted: WantedNetwork) -> dict[str, str]:
    """The keys of a bridge: addresses, NAT, DHCP, DNS and the MTU."""
    ranges = by_family(words(wanted.dhcp_ranges))
    return {
        **subnets(wanted),
        "bridge.mtu": str(wanted.mtu or ""),
        "dns.domain": wanted.domain,
        "ipv4.dhcp.ranges": ",".join(ranges[4]),
        # LXD assigns IPv6 addresses from ranges only with stateful DHCP.
        "ipv6.dhcp.ranges": ",".join(ranges[6]),
        "ipv6.dhcp.stateful": "true" if ranges[6] else "",
    }


def subnets(wanted: WantedNetwork) -> dict[str, str]:
    """The network's own addresses, and whether outgoing traffic is translated."""
    nat = "true" if wanted.nat else "false"
    families = (("ipv4", wanted.ipv4), ("ipv6", wanted.ipv6))
    # LXD refuses nat for a family without an address.
    return {f"{family}.address": address for family, address in families} | {
        f"{family}.nat": nat for family, address in families if address != "none"
    }


def by_family(addresses: Iterable[str]) -> dict[int, list[str]]:
    """Addresses, subnets or ranges of addresses, by their version of IP."""
    families: dict[int, list[str]] = {4: [], 6: []}
    for word in addresses:
        first = word.partition("-")[0].partition("/")[0]
        families[ipaddress.ip_address(first).version].append(word)
    return families


def of_uplink(wanted: WantedNetwork) -> dict[str, str]:
    """The keys of an uplink network.

    It has no keys for gateways or name servers if the operator named none: those were found when
    the network was made.
    """
    gateways, ranges = by_family(wanted.gateway), by_family(wanted.ranges)
    keys: dict[str, str] = {"dns.nameservers": ",".join(wanted.dns)} if wanted.dns else {}
    for version in (4, 6):
        keys[f"ipv{version}.ovn.ranges"] = ",".join(ranges[version])
        if wanted.gateway:
            keys[f"ipv{version}.gateway"] = ",".join(gateways[version])
    return keys
