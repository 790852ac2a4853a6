# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A network from the operator's options, and the parser of the option `networks`."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from modes import lxd_keys
from options.subnets import misfit
from values import yaml_maps

if TYPE_CHECKING:
    from modes.mode import Mode
from values.wanted_network import WantedNetwork

_INTERFACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{1,14}")
_INTERFACE_LIMIT = 15
"""The kernel's maximum length of an interface's name."""
_PATTERN = re.compile(r"[A-Za-z0-9_.*?\[\]!-]{1,64}")
_DOMAIN = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9-]*[A-Za-z0-9])*")
_RANGE = re.compile(r"[0-9a-fA-F.:]+-[0-9a-fA-F.:]+")
"""LXD takes no single address (IsNetworkRangeV4, 5.0 to 6.9)."""
_AUTOMATIC = ("auto", "none")
_OURS = (
    *("user.lxd-cluster.", "volatile.", "parent", "vlan", "network", "tunnel.lxd."),
    *("bridge.external_interfaces", "bgp.ipv4.nexthop", "bgp.ipv6.nexthop", "acceleration.parent"),
)
"""LXD's keys of a network that follow from other options, and those that each member has for itself
(NodeSpecificNetworkConfig of 5.0 to 6.9): LXD refuses them for all members.
"""


def name(value: str) -> str:
    """A network's name. Raises ValueError with what is allowed, like all parsers here."""
    if not _INTERFACE.fullmatch(value):
        raise ValueError("use 2 to 15 letters, digits, '.', '_' or '-'")
    if ".." in value or value.startswith("veth"):
        raise ValueError("use no '..', and no veth at the beginning: LXD refuses them")
    return value


def fits(network: str, mode: Mode) -> None:
    """Raises ValueError for a name that leaves no room for LXD's additions in this mode."""
    if len(network) > mode.longest:
        raise ValueError(f"use at most {mode.longest} characters with {mode.name}")


def parents(value: str) -> str:
    """Names and globs of interfaces, separated by spaces or commas."""
    if not all(_PATTERN.fullmatch(word) for word in yaml_maps.words(value)):
        raise ValueError("use names or globs of interfaces, such as br0 or enp*s0")
    return value


def vlan(value: int) -> int:
    """A VLAN's number, 0 for none."""
    if not 0 <= value <= 4094:
        raise ValueError("use 1 to 4094, or 0 for none")
    return value


def mtu(value: int) -> int:
    """The MTU, 0 if LXD must choose."""
    # Below 1280 there is no IPv6.
    if value and not 1280 <= value <= 65535:
        raise ValueError("use 1280 to 65535, or 0 for LXD's choice")
    return value


def domain(value: str) -> str:
    """A DNS domain, or empty."""
    if value and (len(value) > 200 or not _DOMAIN.fullmatch(value)):
        raise ValueError("use a domain such as lan.example")
    return value


def ipv4(value: str) -> str:
    """`auto`, `none` or the bridge's own address with its prefix length."""
    return value if value in _AUTOMATIC else _gateway(value, 4, "10.10.0.1/24")


def of_fitting_size(address: str, mode: Mode) -> None:
    """Raises ValueError for an IPv4 subnet whose size this mode cannot have."""
    if "/" not in address:
        return
    size = ipaddress.ip_interface(address).network.prefixlen
    if size > mode.narrowest:
        raise ValueError(f"too small a subnet; {mode.name} needs /{mode.narrowest} or wider")
    if mode.prefixes and size not in mode.prefixes:
        raise ValueError(f"{mode.name} takes only {' or '.join(f'/{n}' for n in mode.prefixes)}")


def ipv6(value: str) -> str:
    """`auto`, `none` or the bridge's own IPv6 address with its prefix length."""
    return value if value in _AUTOMATIC else _gateway(value, 6, "fd00:10::1/64")


def _gateway(value: str, version: int, example: str) -> str:
    """The bridge's own address: a bare subnet means its first host."""
    try:
        interface = ipaddress.ip_interface(value)
    except ValueError:
        interface = None
    if interface is None or interface.version != version or "/" not in value:
        raise ValueError(f"use auto, none or a CIDR such as {example}")
    net = interface.network
    if net.num_addresses < 4:
        raise ValueError(f"too small a subnet; use a CIDR such as {example}")
    address = net.network_address + 1 if interface.ip == net.network_address else interface.ip
    if version == 4 and address == net.broadcast_address:
        raise ValueError("that is the subnet's broadcast address")
    return f"{address}/{net.prefixlen}"


def ranges(value: str) -> str:
    """Ranges of addresses, separated by spaces or commas."""
    for word in yaml_maps.words(value):
        first, _, last = word.partition("-")
        ends = [_address(first), _address(last)]
        if not _RANGE.fullmatch(word) or None in ends:
            raise ValueError("use ranges such as 10.10.0.100-10.10.0.200")
        low, high = ends
        if low is not None and high is not None and (low.version, low) > (high.version, high):
            raise ValueError(f"{word[:40]} ends before it begins")
    return value


def group(value: str) -> str:
    """A multicast group, `auto` for the cluster's own group, `none` for unicast."""
    address = _address(value)
    if value not in _AUTOMATIC and (address is None or not address.is_multicast):
        raise ValueError("use auto, none or a multicast address such as 239.0.0.1")
    return value


def _address(value: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(value)
    except ValueError:
        return None


def _routers(value: str) -> tuple[str, ...]:
    """Routers' own addresses with their prefix lengths, at most one of each family."""
    gateways = yaml_maps.words(value)
    try:
        versions = [ipaddress.ip_interface(word).version for word in gateways if "/" in word]
    except ValueError:
        versions = []
    if len(versions) != len(gateways) or len(set(versions)) != len(versions):
        raise ValueError("gateway must be a CIDR such as 10.10.0.1/24, one of each family")
    return gateways


def _servers(value: str) -> tuple[str, ...]:
    servers = yaml_maps.words(value)
    if any(_address(word) is None for word in servers):
        raise ValueError("dns must be a list of addresses")
    return servers


def config(value: Any) -> dict[str, str]:
    """LXD's own keys of a network."""
    return yaml_maps.keys(value, _OURS)


def config_text(value: str) -> str:
    """The same as YAML in an option."""
    config(yaml_maps.mapping(value, "use a YAML map of LXD's keys"))
    return value


def of_mode(keys: Iterable[str], mode: Mode) -> None:
    """Raises ValueError for a key that LXD takes for networks of other modes only.

    A mode without a network of LXD ignores all keys.
    """
    for key in keys if mode.type else ():
        if lxd_keys.misfit(key, mode.takes):
            use = ", ".join(lxd_keys.like(key, mode.takes - mode.word_of.keys()))
            raise ValueError(f"{mode.name} has no {key}; use {use}")


def without_words(keys: Iterable[str], mode: Mode, words: Mapping[str, str]) -> None:
    """Raises ValueError for a key of LXD that a word sets: only the word's value is checked.

    `words` has what the operator types instead, by word.
    """
    for key in keys:
        word = mode.word_of.get(key)
        if word in mode.words and word in words:
            raise ValueError(f"use {words[word]}, not {key}")


def _number(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("that is not a number")  # noqa: TRY004 - an operator's mistake
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("nat must be true or false")  # noqa: TRY004 - an operator's mistake
    return value


_WORDS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "parent": ("parents", lambda value: yaml_maps.words(parents(yaml_maps.text(value)))),
    "vlan": ("vlan", lambda value: vlan(_number(value))),
    "ipv4": ("ipv4", lambda value: ipv4(yaml_maps.text(value))),
    "ipv6": ("ipv6", lambda value: ipv6(yaml_maps.text(value))),
    "nat": ("nat", _flag),
    "mtu": ("mtu", lambda value: mtu(_number(value))),
    "domain": ("domain", lambda value: domain(yaml_maps.text(value))),
    "dhcp-ranges": ("dhcp_ranges", lambda value: ranges(yaml_maps.text(value))),
    "uplink": ("uplink", lambda value: name(yaml_maps.text(value))),
    "gateway": ("gateway", lambda value: _routers(yaml_maps.text(value))),
    "ranges": ("ranges", lambda value: yaml_maps.words(ranges(yaml_maps.text(value)))),
    "dns": ("dns", lambda value: _servers(yaml_maps.text(value))),
    "group": ("group", lambda value: group(yaml_maps.text(value))),
    "config": ("config", config),
}
"""The keys of a network in the map: the field of each, and its parser."""


def parse(text: str, modes: Mapping[str, Mode]) -> tuple[WantedNetwork, ...]:
    """The networks of a YAML map of name to mode, or to mode and more keys. Raises ValueError."""
    networks = yaml_maps.mapping(
        text, "use a YAML map such as {lan: {mode: macvlan, parent: eth1}}"
    )
    wanted = tuple(_network(name(str(key)), networks[key], modes) for key in networks)
    collisions([network.name for network in wanted])
    return wanted


def collisions(names: list[str]) -> None:
    """Raises ValueError for two names if LXD would treat one network as a part of the other.

    When LXD starts a bridge it deletes every interface whose name begins with the bridge's name and
    a hyphen: those are its tunnels.
    """
    for shorter in names:
        for longer in names:
            if longer.startswith(f"{shorter}-"):
                raise ValueError(f"LXD would delete {longer} with {shorter}: choose another name")


def alike(names: Iterable[str]) -> tuple[str, str] | None:
    """Two names that differ only in '-', '_' or '.', None if there are none.

    The charm derives the names of its tables in the packet filter from networks over all members,
    and a table's name cannot contain hyphens and dots.
    """
    by_table: dict[str, str] = {}
    for network in names:
        first = by_table.setdefault(network.replace("-", "_").replace(".", "_"), network)
        if first != network:
            return first, network
    return None


def _makes_networks(modes: Mapping[str, Mode]) -> str:
    """The modes in which LXD makes a network: the others are a nic of the default profile."""
    return ", ".join(sorted(name for name, mode in modes.items() if mode.type))


def _network(network: str, value: Any, modes: Mapping[str, Mode]) -> WantedNetwork:
    fields = dict(yaml_maps.fields(value, "mode"))
    mode = fields.pop("mode", None)
    if not isinstance(mode, str) or mode not in modes:
        raise ValueError(f"{network}: mode is one of {_makes_networks(modes)}")
    if not modes[mode].type:
        raise ValueError(f"{network}: {mode} is for network-mode only")
    allowed = (*sorted(modes[mode].words), "config")
    for word in fields:
        if word not in allowed:
            raise ValueError(f"{network}: {mode} takes only {', '.join(allowed)}")
    try:
        values = {_WORDS[word][0]: _WORDS[word][1](value) for word, value in fields.items()}
        fits(network, modes[mode])
        _tunnels(network, values.get("config", {}))
        without_words(values.get("config", {}), modes[mode], {word: word for word in _WORDS})
        of_mode(values.get("config", {}), modes[mode])
        wanted = WantedNetwork(name=network, mode=mode, **values)
        of_fitting_size(wanted.ipv4, modes[mode])
        if problem := misfit(wanted, modes[mode].ranges_in):
            raise ValueError(problem)
    except ValueError as error:
        raise ValueError(f"{network}: {error}") from error
    return wanted


def _tunnels(network: str, keys: Mapping[str, str]) -> None:
    """Raises ValueError for a tunnel whose interface would have too long a name."""
    for key in keys:
        words = key.split(".")
        if (
            words[0] == "tunnel"
            and len(words) > 2
            and len(f"{network}-{words[1]}") > _INTERFACE_LIMIT
        ):
            raise ValueError(f"tunnel {words[1]}: with the network's name it is too long")
