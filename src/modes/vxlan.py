# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""One layer 2 over all members: a bridge on each, and LXD's tunnels between them.

Every member's bridge has the same address and the same MAC, so that each instance's gateway is on
its own member. Each member gives out addresses from its own share: see
`plan.networks.overlay_dhcp`.
"""

from __future__ import annotations

import hashlib
import ipaddress
from dataclasses import replace

from modes import lxd_keys
from modes.address_keys import BRIDGE_WORDS, WORD_OF_BRIDGE, of_bridge
from modes.mode import AUTO, LONGEST_WITH_TUNNEL, Mode, Site, on_network
from values.wanted_network import WantedNetwork

TUNNEL = "tunnel.lxd."
REACHED_BY = "user.lxd-cluster.reached-by"
"""LXD's key of a network: how its members reach one another, also when no option names it."""
UNICAST, MULTICAST = "unicast", "multicast"
TTL = f"{TUNNEL}ttl"
_HOPS = "64"
"""The TTL of packets to each member's address. Without the key LXD sets 1 (by source, 5.0 to 6.9),
and the first router between two members drops them all (measured).
"""
NARROWEST = 26
"""Prefix length: a narrower subnet has no shares."""
_NONE = "none"


def _config(wanted: WantedNetwork) -> dict[str, str]:
    has_group = wanted.group not in (AUTO, _NONE)
    return {
        # Each member answers for itself: LXD's own DHCP would give one address out twice.
        **of_bridge(replace(wanted, dhcp_ranges="")),
        "ipv4.dhcp": "false",
        "bridge.hwaddr": AUTO,
        f"{TUNNEL}protocol": "vxlan",
        f"{TUNNEL}id": AUTO,
        f"{TUNNEL}group": wanted.group if has_group else AUTO,
        f"{TUNNEL}interface": AUTO if wanted.parents else "",
        REACHED_BY: UNICAST if is_unicast(wanted) else MULTICAST,
        **({TTL: _HOPS} if is_unicast(wanted) else {}),
    }


def is_unicast(wanted: WantedNetwork) -> bool:
    """Whether a vxlan network has no multicast group, by the options."""
    return wanted.group == _NONE


def _resolve(keys: dict[str, str], wanted: WantedNetwork, site: Site) -> dict[str, str]:
    number = _number(wanted, site)
    choices = {
        "ipv4.address": _subnet(number, site),
        "bridge.hwaddr": _mac(number),
        f"{TUNNEL}id": str(number),
        f"{TUNNEL}group": _group(number, site.version),
        f"{TUNNEL}interface": wanted.parents[0] if wanted.parents else "",
    }
    return {k: choices.get(k, v) if v == AUTO else v for k, v in keys.items()}


def _number(wanted: WantedNetwork, site: Site) -> int:
    """A number for this cluster: two clusters on one network must not share a segment."""
    digest = hashlib.sha256(f"{site.fingerprint} {wanted.name}".encode()).digest()
    return int.from_bytes(digest[:3], "big") or 1


def _mac(number: int) -> str:
    """A MAC from the range for local use."""
    low = number.to_bytes(3, "big")
    return "02:16:3e:" + ":".join(f"{byte:02x}" for byte in low)


def version(wanted: WantedNetwork, members: int) -> int:
    """The version of IP of the tunnels, if `members` is the one between the members."""
    has_group = wanted.group not in (AUTO, _NONE)
    return ipaddress.ip_address(wanted.group).version if has_group else members


def _group(number: int, version: int) -> str:
    """A multicast group within an organization (RFC 2365), or a site (RFC 4291).

    The kernel accepts only peers of the group's version of IP for a tunnel.
    """
    if version == 6:
        return str(ipaddress.IPv6Address((0xFF15 << 112) | number))
    return str(ipaddress.IPv4Address((239 << 24) | (192 << 16) | (number & 0x3FFFF)))


def _subnet(number: int, site: Site) -> str:
    """A subnet that the machine does not use, wide enough for a share for each member."""
    taken = [ipaddress.ip_network(subnet, strict=False) for subnet in site.taken]
    for step in range(256):
        candidate = ipaddress.ip_network(f"10.{(number + step) % 256}.0.0/16")
        if not any(net.version == 4 and net.overlaps(candidate) for net in taken):
            return f"{candidate[1]}/16"
    return AUTO


MODE = Mode(
    name="vxlan",
    type="bridge",
    takes=lxd_keys.OVERLAY,
    words=(BRIDGE_WORDS - {"dhcp-ranges"}) | {"parent", "group"},
    word_of=WORD_OF_BRIDGE,
    config=_config,
    resolve=_resolve,
    nic=on_network,
    # The charm sets a TTL for unicast only: otherwise an operator's own stays.
    chosen=frozenset({f"{TUNNEL}group", "bridge.hwaddr", TTL}),
    one_name=True,
    shared_parent=f"{TUNNEL}interface",
    longest=LONGEST_WITH_TUNNEL,
    narrowest=NARROWEST,
    own_keys=TUNNEL,
)
