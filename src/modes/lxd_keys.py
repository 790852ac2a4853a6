# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The keys that LXD takes for a network, by its type (`Validate` in driver_*.go of 5.0.2 to 6.9).

A `*` stands for a name. A type has the keys of all three generations: 5.0 lacks the hold time of
BGP, and `ipv4.dhcp.ranges` and `l3only` of OVN; 6.9 lacks `maas.*` and `fan.type`. LXD itself names
such a key.
"""

from __future__ import annotations

from collections.abc import Iterable

_USER_KEYS = "user."
"""The beginning of keys that LXD takes for any network."""
_BOTH = ("ipv4", "ipv6")

_BGP = frozenset(f"bgp.peers.*.{key}" for key in ("address", "asn", "password", "holdtime"))
_MAAS = frozenset(f"maas.subnet.{family}" for family in _BOTH)
_ACLS = frozenset({"security.acls"}) | {
    f"security.acls.default.{way}.{key}"
    for way in ("ingress", "egress")
    for key in ("action", "logged")
}
_ZONES = frozenset({"dns.zone.forward", "dns.zone.reverse.ipv4", "dns.zone.reverse.ipv6"})
_TUNNELS = frozenset(
    f"tunnel.*.{key}"
    for key in ("protocol", "local", "remote", "port", "group", "id", "interface", "ttl")
)
_OF_ADDRESSES = (
    *("address", "firewall", "nat", "nat.order", "nat.address", "dhcp", "dhcp.expiry"),
    *("dhcp.ranges", "routes", "routing", "ovn.ranges"),
)
_SERVED = frozenset(f"{family}.{key}" for family in _BOTH for key in _OF_ADDRESSES)
_IN_FAN = frozenset({"ipv4.dhcp.expiry", "ipv4.firewall", "ipv4.nat", "ipv4.nat.order"})
"""The keys for addresses that LXD takes with `bridge.mode=fan`."""

_ANY_BRIDGE = (
    frozenset({"bridge.driver", "bridge.hwaddr", "bridge.mtu", "raw.dnsmasq"})
    | {"dns.domain", "dns.mode", "dns.search"}
    | _ZONES
    | _ACLS
    | _BGP
    | _MAAS
    | _TUNNELS
)
BRIDGE = _ANY_BRIDGE | _SERVED | {"ipv4.dhcp.gateway", "ipv6.dhcp.stateful"}
OVERLAY = BRIDGE - {"ipv4.dhcp"}
"""A bridge over all members: LXD's own DHCP would give an address out on each of them."""
FAN = _ANY_BRIDGE | _IN_FAN | {"fan.overlay_subnet", "fan.underlay_subnet", "fan.type"}
MACVLAN = frozenset({"mtu", "gvrp"}) | _MAAS
SRIOV = frozenset({"mtu"}) | _MAAS
PHYSICAL = (
    MACVLAN
    | {"dns.nameservers", "ovn.ingress_mode"}
    | {f"{f}.{k}" for f in _BOTH for k in ("gateway", "ovn.ranges", "routes", "routes.anycast")}
    | _BGP
)
OVN = (
    frozenset({"bridge.hwaddr", "bridge.mtu", "dns.domain", "dns.search"})
    | {f"{f}.{key}" for f in _BOTH for key in ("address", "dhcp", "nat", "nat.address", "l3only")}
    | {"ipv4.dhcp.ranges", "ipv6.dhcp.stateful"}
    | _ZONES
    | _ACLS
)
_KNOWN = BRIDGE | FAN | PHYSICAL | OVN | {"bridge.mode"}


def misfit(key: str, taken: frozenset[str]) -> bool:
    """Whether a key belongs to networks of other types only: it is not among the keys `taken`.

    A key that no type has may be one of a later LXD: LXD itself refuses what it does not know.
    """
    return not key.startswith(_USER_KEYS) and not _among(key, taken) and _among(key, _KNOWN)


def like(key: str, taken: Iterable[str]) -> list[str]:
    """What an operator may use: the keys that begin like `key`, otherwise the beginnings of all.

    It leaves out those for a MAAS: LXD 6.9 has none.
    """
    usable, first = set(taken) - _MAAS, key.partition(".")[0]
    alike = sorted(name for name in usable if name.partition(".")[0] == first)
    return alike or sorted({name.partition(".")[0] for name in usable} | {_USER_KEYS + "*"})


def _among(key: str, patterns: Iterable[str]) -> bool:
    words = key.split(".")
    return any(_matches(words, pattern.split(".")) for pattern in patterns)


def _matches(words: list[str], pattern: list[str]) -> bool:
    same = (part in ("*", word) for part, word in zip(pattern, words, strict=False))
    return len(words) == len(pattern) and all(same)
