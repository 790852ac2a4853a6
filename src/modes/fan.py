# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Ubuntu's fan: every address of the machines' subnet has a subnet of an overlay behind it."""

import ipaddress
from collections.abc import Iterable

from modes.mode import LONGEST_WITH_TUNNEL, Mode, Site, on_network
from values.interface import Interface
from values.wanted_network import WantedNetwork


def _config(wanted: WantedNetwork) -> dict[str, str]:
    return {
        "bridge.mode": "fan",
        "bridge.mtu": str(wanted.mtu or ""),
        "fan.underlay_subnet": "auto",
        "fan.overlay_subnet": _overlay(wanted),
        "ipv4.nat": "true" if wanted.nat else "false",
    }


def _overlay(wanted: WantedNetwork) -> str:
    """If it is empty, LXD chooses 240.0.0.0/8: addresses that the internet does not use."""
    return str(ipaddress.ip_interface(wanted.ipv4).network) if "/" in wanted.ipv4 else ""


def _resolve(keys: dict[str, str], wanted: WantedNetwork, site: Site) -> dict[str, str]:
    del wanted
    # LXD itself chooses the subnet of the default gateway.
    return {**keys, "fan.underlay_subnet": site.subnet or "auto"}


def _off_subnet(interfaces: Iterable[Interface], subnet: str) -> str:
    """Why a machine cannot have a part in a fan over a subnet, empty if it can.

    Without a subnet LXD takes that of the default gateway, only for IPv4 (by source).
    """
    all_interfaces = tuple(interfaces)
    if not subnet:
        out = any(4 in interface.defaults for interface in all_interfaces)
        return "" if out else "fan: no IPv4 default route: bind network to a space with IPv4"
    net = ipaddress.ip_network(subnet, strict=False)
    if net.version != 4:
        return "fan: the binding network has no IPv4 subnet"
    own = (ipaddress.ip_interface(subnet).ip for i in all_interfaces for subnet in i.subnets)
    return "" if any(address in net for address in own) else f"fan: no address in {net} here"


MODE = Mode(
    name="fan",
    type="bridge",
    words=frozenset({"ipv4", "nat", "mtu"}),
    word_of={"fan.overlay_subnet": "ipv4", "bridge.mtu": "mtu", "ipv4.nat": "nat"},
    config=_config,
    resolve=_resolve,
    nic=on_network,
    off_subnet=_off_subnet,
    chosen=frozenset({"fan.underlay_subnet"}),
    needs="fan",
    longest=LONGEST_WITH_TUNNEL,
    own_keys="fan.",
)
