# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Ubuntu's fan: every address of the machines' subnet has a subnet of an overlay behind it.

That subnet, the underlay, is a /16 or a /24 for LXD, and the overlay a /8 or a /16 (fanAddress in
network/driver_bridge.go of 5.0 to 6.9).
"""

import ipaddress
from collections.abc import Iterable
from typing import TypeAlias

from modes import lxd_keys
from modes.mode import AUTO, LONGEST_WITH_TUNNEL, Mode, Site, on_network
from values.addresses import is_subnet
from values.interface import Interface
from values.status import StatusText
from values.wanted_network import WantedNetwork

_UNDERLAY = "fan.underlay_subnet"
_UNDERLAYS = (24, 16)
_OVERLAYS = (8, 16)

_Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
_Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address


def _config(wanted: WantedNetwork) -> dict[str, str]:
    return {
        "bridge.mode": "fan",
        "bridge.mtu": str(wanted.mtu or ""),
        _UNDERLAY: AUTO,
        "fan.overlay_subnet": _overlay(wanted),
        "ipv4.nat": "true" if wanted.nat else "false",
    }


def _overlay(wanted: WantedNetwork) -> str:
    """If it is empty, LXD chooses 240.0.0.0/8: addresses that the internet does not use."""
    return str(ipaddress.ip_interface(wanted.ipv4).network) if "/" in wanted.ipv4 else ""


def _resolve(keys: dict[str, str], wanted: WantedNetwork, site: Site) -> dict[str, str]:
    del wanted
    if keys[_UNDERLAY] != AUTO or not site.subnet:
        # An operator's choice, or LXD's: the subnet of the default gateway.
        return keys
    return {**keys, _UNDERLAY: str(_underlay(ipaddress.ip_network(site.subnet, strict=False)))}


def _underlay(net: _Network) -> _Network:
    """The smallest underlay that LXD takes around a subnet. The subnet itself if it is larger."""
    fits = (size for size in _UNDERLAYS if net.version == 4 and net.prefixlen >= size)
    size = next(fits, None)
    return net if size is None else net.supernet(new_prefix=size)


def _off_subnet(interfaces: Iterable[Interface], subnet: str, wanted: WantedNetwork) -> StatusText:
    """Why a machine cannot have a part in a fan over a subnet, empty if it can."""
    all_interfaces = tuple(interfaces)
    if (chosen := wanted.config.get(_UNDERLAY, AUTO)) != AUTO:
        if not _is_ipv4(chosen):
            # LXD refuses it, and its error says what it takes.
            return ""
        net = underlay = ipaddress.ip_network(chosen, strict=False)
    elif subnet:
        if not _is_ipv4(subnet):
            return "fan: the binding network has no IPv4 subnet"
        net = ipaddress.ip_network(subnet, strict=False)
        underlay = _underlay(net)
    elif (default := _default_network(all_interfaces)) is not None:
        net = underlay = default
    else:
        return "fan: no IPv4 default route: bind network to a space with IPv4"
    return _misfit(underlay, wanted) or _no_place(all_interfaces, net, underlay)


def _is_ipv4(subnet: str) -> bool:
    return is_subnet(subnet) and ipaddress.ip_network(subnet, strict=False).version == 4


def _default_network(interfaces: tuple[Interface, ...]) -> _Network | None:
    """The subnet of the default gateway, which LXD takes by itself, only for IPv4 (by source)."""
    nets = (_ipv4_networks(interface) for interface in interfaces if 4 in interface.defaults)
    return next((net for found in nets for net in found), None)


def _misfit(underlay: _Network, wanted: WantedNetwork) -> StatusText:
    """Why LXD would refuse the fan over this underlay, empty if it would not."""
    if underlay.prefixlen not in _UNDERLAYS:
        return f"fan: {underlay} is not a /16 or /24: set {_UNDERLAY}"
    overlay = _overlay(wanted)
    if overlay.endswith("/16") and underlay.prefixlen != 24:
        return f"fan: ipv4={overlay} is too small over {underlay}: choose a /8"
    return ""


def _no_place(interfaces: tuple[Interface, ...], net: _Network, underlay: _Network) -> StatusText:
    """Why LXD would not find the machine's address on the underlay, empty if it would.

    LXD takes the first interface with an address on the underlay, even if it is outside the
    intended subnet.
    """
    here = {i.name: _addresses(i) for i in interfaces}
    if not any(address in net for addresses in here.values() for address in addresses):
        return f"fan: no address in {net} here"
    for name, addresses in here.items():
        for address in addresses:
            if address in underlay and address not in net:
                return f"fan: {name} is in {underlay}, too ({address}): bind network elsewhere"
    return ""


def _addresses(interface: Interface) -> list[_Address]:
    return [ipaddress.ip_interface(subnet).ip for subnet in interface.subnets]


def _ipv4_networks(interface: Interface) -> list[_Network]:
    networks = (ipaddress.ip_interface(subnet).network for subnet in interface.subnets)
    return [net for net in networks if net.version == 4]


MODE = Mode(
    name="fan",
    type="bridge",
    takes=lxd_keys.FAN,
    words=frozenset({"ipv4", "nat", "mtu"}),
    word_of={"fan.overlay_subnet": "ipv4", "bridge.mtu": "mtu", "ipv4.nat": "nat"},
    config=_config,
    resolve=_resolve,
    nic=on_network,
    off_subnet=_off_subnet,
    chosen=frozenset({_UNDERLAY}),
    needs="fan",
    longest=LONGEST_WITH_TUNNEL,
    prefixes=_OVERLAYS,
    own_keys="fan.",
)
