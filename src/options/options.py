# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The charm's options with their types. A bad value blocks and changes nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    ValidationError,
    ValidationInfo,
    field_validator,
)

import backends
import modes
from options import networks as network_options
from options import pools as options_pools
from options import subnets as options_subnets
from values import yaml_maps
from values.addresses import is_connection
from values.printable import escaped
from values.status import STATUS_LIMIT, StatusText
from values.wanted_network import WantedNetwork
from values.wanted_pool import WantedPool

_HOSTNAMES = re.compile(r"[A-Za-z0-9.*?\[\]!-]{1,64}")
_PROXY = re.compile(r"(https?|socks5)://[^\s/]+/?")
_IGNORED = re.compile(r"[\w.*:/\[\]-]+")
_PASSWORD = re.compile(r"//[^/@\s]*@")
_BEFORE_HOST = re.compile(r"((?:\w+://)?)\S*@")
"""What comes before the host in a proxy's address, after the scheme if there is one."""
_SECRET = re.compile("password|secret|token", re.IGNORECASE)
"""In the names of LXD's own keys with a value that nobody else may see."""
_HALF = re.compile("[\ud800-\udfff]")
"""Half of a character that takes two: pydantic raises another error for it."""
_CHANNEL = re.compile(r"[A-Za-z0-9][\w.+-]*/(stable|candidate|beta|edge)(/[\w.-]+)?")

EVACUATE, REFUSE, ABANDON = "evacuate", "refuse", "abandon"
ON_REMOVE = (EVACUATE, REFUSE, ABANDON)
"""What to do with the instances on a unit that is removed."""

_OPTION_OF_WORD = {
    word: f"network-{word}" for word in ("ipv4", "ipv6", "nat", "mtu", "domain", "dhcp-ranges")
}
"""The options that set the same of the default network as a word in `networks`."""

_TYPES = {
    "int": "use a whole number",
    "bool": "use true or false",
    "string": "use text",
}
"""The messages for a type that pydantic refuses. Juju checks the type first."""


def _channel(value: str) -> str:
    if not _CHANNEL.fullmatch(value):
        raise ValueError("use TRACK/RISK, such as 5.21/stable")
    return value


def _backend(value: str) -> str:
    if value in backends.ALLOWED:
        return value
    if value in backends.BACKENDS:
        raise ValueError(backends.BACKENDS[value].not_default)
    raise ValueError(f"use one of {', '.join(backends.ALLOWED)}")


def _mode(value: str) -> str:
    if value not in modes.MODES:
        # Separated by commas and spaces they would not fit into a status.
        raise ValueError(f"use {'|'.join(sorted(modes.MODES))}")
    return value


def _vlan(value: int, info: ValidationInfo) -> int:
    mode = info.data.get("network_mode")
    if network_options.vlan(value) and mode and "vlan" not in modes.MODES[mode].words:
        able = sorted(m.name for m in modes.MODES.values() if "vlan" in m.words)
        raise ValueError(f"{mode} has no VLAN; use {', '.join(able)}")
    return value


def _networks(value: str, info: ValidationInfo) -> str:
    networks = network_options.parse(value, modes.MODES)
    default = info.data.get("network_name")
    if any(network.name == default for network in networks):
        raise ValueError(f"network-name already has the name {default}")
    network_options.collisions(
        [network.name for network in networks] + ([default] if default else [])
    )
    first = _default_subnets(default or "", info.data)
    if pair := options_subnets.same_subnet((*first, *networks)):
        raise ValueError(f"{pair[0]} and {pair[1]} have the same subnet: choose another")
    if pair := network_options.alike(_spread_names(networks, info.data)):
        raise ValueError(f"{pair[0]} and {pair[1]} are too similar: choose another name")
    return value


def _spread_names(more: Iterable[WantedNetwork], values: Mapping[str, Any]) -> list[str]:
    """The names of the networks in the spread mode, the default one last."""
    spread = [network.name for network in more if network.mode == modes.SPREAD]
    default = values.get("network_name")
    return [*spread, default] if default and values.get("network_mode") == modes.SPREAD else spread


def _default_subnets(name: str, values: Mapping[str, Any]) -> tuple[WantedNetwork, ...]:
    """The default network with its subnets, if it has some."""
    mode = values.get("network_mode")
    if not mode or "ipv4" not in modes.MODES[mode].words:
        return ()
    ipv4, ipv6 = (values.get(f"network_{family}", "auto") for family in ("ipv4", "ipv6"))
    return (WantedNetwork(name, mode, ipv4=ipv4, ipv6=ipv6),)


def _network_name(value: str, info: ValidationInfo) -> str:
    if mode := info.data.get("network_mode"):
        network_options.fits(network_options.name(value), modes.MODES[mode])
    return network_options.name(value)


def _ipv4(value: str, info: ValidationInfo) -> str:
    address = network_options.ipv4(value)
    if mode := info.data.get("network_mode"):
        network_options.of_fitting_size(address, modes.MODES[mode])
    return address


def _dhcp_ranges(value: str, info: ValidationInfo) -> str:
    ranges, mode = network_options.ranges(value), info.data.get("network_mode", "")
    subnets = [info.data.get(f"network_{family}", "auto") for family in ("ipv4", "ipv6")]
    if mode not in modes.MODES or "dhcp-ranges" not in modes.MODES[mode].words:
        return ranges
    if word := options_subnets.outside(yaml_maps.words(ranges), subnets):
        version = 6 if ":" in word else 4
        raise ValueError(f"not in network-ipv{version}={subnets[version == 6]}")
    return ranges


def _network_config(value: str, info: ValidationInfo) -> str:
    text = network_options.config_text(value)
    if mode := info.data.get("network_mode"):
        keys = yaml_maps.mapping(text, "")
        network_options.without_words(keys, modes.MODES[mode], _OPTION_OF_WORD)
        network_options.of_mode(keys, modes.MODES[mode])
    return text


def _uplink(value: str) -> str:
    return network_options.name(value) if value else value


def _members(value: str) -> str:
    if not all(_HOSTNAMES.fullmatch(word) for word in yaml_maps.words(value)):
        raise ValueError("use names of members, or globs such as rack1-*")
    return value


def _northbound(value: str) -> str:
    if not all(map(is_connection, yaml_maps.words(value))):
        raise ValueError("use tcp:ADDRESS:6641 or ssl:ADDRESS:6641")
    return value


def _proxy(value: str) -> str:
    if value not in ("auto", "none") and not _PROXY.fullmatch(value):
        raise ValueError("use auto, none or a URL such as http://10.0.0.1:3128")
    return value


def _ignored(value: str) -> str:
    if not value or not all(_IGNORED.fullmatch(word) for word in yaml_maps.words(value)):
        raise ValueError("use auto, none or hosts separated by commas")
    return value


def _volume(value: str) -> str:
    return options_pools.name(value) if value else value


def _pools(value: str, info: ValidationInfo) -> str:
    pools = options_pools.parse(value, backends.BACKENDS)
    if any(pool.name == info.data.get("storage_pool") for pool in pools):
        raise ValueError(f"storage-pool already has the name {info.data['storage_pool']}")
    return value


def _threshold(value: int) -> int:
    # LXD's own check is "greater than 10", its heartbeat's interval in seconds.
    if not 11 <= value <= 86400:
        raise ValueError("use 11 to 86400 (seconds)")
    return value


def _on_remove(value: str) -> str:
    if value not in ON_REMOVE:
        raise ValueError(f"use one of {', '.join(ON_REMOVE)}")
    return value


def _min_voters(value: int) -> int:
    # LXD has at most one voter for each member, and an odd number of them.
    if not 1 <= value <= 9:
        raise ValueError("use 1 to 9")
    return value


def _ceph_replicas(value: int) -> int:
    if not 1 <= value <= 10:
        raise ValueError("use 1 to 10")
    return value


def _replicas(value: int) -> int:
    if value != -1 and not 1 <= value <= 1000:
        raise ValueError("use 1 to 1000, or -1 for every member")
    return value


class Options(BaseModel):
    """What the operator wants. Field names are the options' with '_' for '-'."""

    model_config = ConfigDict(frozen=True)

    @field_validator("*", mode="before")
    @classmethod
    def _whole(cls, value: object) -> object:
        if isinstance(value, str) and _HALF.search(value):
            raise ValueError("it has an incomplete character: type it again")
        return value

    snap_channel: Annotated[str, AfterValidator(_channel)] = "5.21/stable"
    storage_backend: Annotated[str, AfterValidator(_backend)] = "auto"
    storage_pool: Annotated[str, AfterValidator(options_pools.name)] = "local"
    storage_size: Annotated[str, AfterValidator(options_pools.size)] = ""
    storage_devices: Annotated[str, AfterValidator(options_pools.devices)] = ""
    storage_pools: Annotated[str, AfterValidator(_pools)] = ""
    storage_images_volume: Annotated[str, AfterValidator(_volume)] = ""
    storage_backups_volume: Annotated[str, AfterValidator(_volume)] = ""
    ceph_pool: Annotated[str, AfterValidator(options_pools.in_ceph)] = ""
    ceph_replicas: Annotated[int, AfterValidator(_ceph_replicas)] = 3
    cephfs_name: Annotated[str, AfterValidator(options_pools.in_ceph)] = "cephfs"
    network_mode: Annotated[str, AfterValidator(_mode)] = "bridge"
    network_name: Annotated[str, AfterValidator(_network_name)] = "lxdbr0"
    network_parent: Annotated[str, AfterValidator(network_options.parents)] = ""
    network_vlan: Annotated[int, AfterValidator(_vlan)] = 0
    network_ipv4: Annotated[str, AfterValidator(_ipv4)] = "auto"
    network_ipv6: Annotated[str, AfterValidator(network_options.ipv6)] = "auto"
    network_nat: bool = True
    network_mtu: Annotated[int, AfterValidator(network_options.mtu)] = 0
    network_domain: Annotated[str, AfterValidator(network_options.domain)] = ""
    network_dhcp_ranges: Annotated[str, AfterValidator(_dhcp_ranges)] = ""
    network_config: Annotated[str, AfterValidator(_network_config)] = ""
    networks: Annotated[str, AfterValidator(_networks)] = ""
    network_disruptive: bool = False
    vxlan_group: Annotated[str, AfterValidator(network_options.group)] = "auto"
    ovn_uplink: Annotated[str, AfterValidator(_uplink)] = ""
    ovn_gateways: Annotated[str, AfterValidator(_members)] = ""
    ovn_northbound: Annotated[str, AfterValidator(_northbound)] = ""
    proxy_http: Annotated[str, AfterValidator(_proxy)] = "auto"
    proxy_https: Annotated[str, AfterValidator(_proxy)] = "auto"
    proxy_ignore_hosts: Annotated[str, AfterValidator(_ignored)] = "auto"
    cluster_offline_threshold: Annotated[int, AfterValidator(_threshold)] = 20
    images_replicas: Annotated[int, AfterValidator(_replicas)] = 3
    on_remove: Annotated[str, AfterValidator(_on_remove)] = ON_REMOVE[0]
    min_voters: Annotated[int, AfterValidator(_min_voters)] = 1

    @cached_property
    def default_pool(self) -> WantedPool:
        """The default pool. Its backend may be `auto`."""
        return WantedPool(
            name=self.storage_pool,
            backend=self.storage_backend,
            size=self.storage_size,
            devices=yaml_maps.words(self.storage_devices),
            in_ceph=self.ceph_pool,
        )

    @cached_property
    def more_pools(self) -> tuple[WantedPool, ...]:
        """The additional pools."""
        pools = options_pools.parse(self.storage_pools, backends.BACKENDS)
        return tuple(
            replace(pool, file_system=self.cephfs_name) if pool.backend == backends.CEPHFS else pool
            for pool in pools
        )

    @cached_property
    def default_network(self) -> WantedNetwork:
        """The default network."""
        return WantedNetwork(
            name=self.network_name,
            mode=self.network_mode,
            parents=yaml_maps.words(self.network_parent),
            vlan=self.network_vlan,
            ipv4=self.network_ipv4,
            ipv6=self.network_ipv6,
            nat=self.network_nat,
            mtu=self.network_mtu,
            domain=self.network_domain,
            dhcp_ranges=self.network_dhcp_ranges,
            uplink=self.ovn_uplink,
            group=self.vxlan_group,
            config=network_options.config(yaml_maps.mapping(self.network_config, "")),
        )

    @cached_property
    def wanted_networks(self) -> tuple[WantedNetwork, ...]:
        """All networks, the default one first."""
        return (self.default_network, *self.more_networks)

    @cached_property
    def more_networks(self) -> tuple[WantedNetwork, ...]:
        """The additional networks."""
        return network_options.parse(self.networks, modes.MODES)


_OF_LEAVERS = frozenset({"on_remove", "min_voters"})


def leaving_options(config: Mapping[str, object]) -> Options:
    """The valid ones of the options of a leaving unit, if some options are wrong.

    The networks' options say where instances can go. While one of them is wrong, nothing is given
    up: it may be able to move.
    """
    values = {name.replace("-", "_"): value for name, value in config.items()}
    wrong: set[str] = set()
    options = None
    while options is None:
        try:
            options = Options.model_validate(values)
        except ValidationError as error:
            wrong |= _wrong(error, values)
            values = {name: value for name, value in values.items() if name not in wrong}
    if options.on_remove == ABANDON and any(map(_concerns_networks, wrong)):
        return options.model_copy(update={"on_remove": EVACUATE})
    return options


def _wrong(error: ValidationError, values: Mapping[str, object]) -> set[str]:
    """The options that an error names. If it names none, any that a leaving unit does not need."""
    named = {str(part) for details in error.errors() for part in details["loc"]} & values.keys()
    return named or values.keys() - _OF_LEAVERS or set(values)


def _concerns_networks(field: str) -> bool:
    return field.startswith(("network", "ovn", "vxlan"))


def explain(error: ValidationError) -> StatusText:
    """The first mistake as one status line: option=value: what is allowed."""
    first = error.errors(include_url=False)[0]
    option = str(first["loc"][0]).replace("_", "-")
    family = first["type"].split("_")[0]
    why = escaped(_TYPES.get(family) or first["msg"].removeprefix("Value error, "))
    value = _PASSWORD.sub("//...@", " ".join(_typed(first["input"]).split()))
    value = escaped(_BEFORE_HOST.sub(r"\1...@", value) if option.startswith("proxy-") else value)
    value = "..." if _SECRET.search(value) else value
    room = STATUS_LIMIT - len(option) - len(why) - 3
    if len(value) > room:
        value = value[: max(room - 3, 5)] + "..."
    line = f"{option}={value}: {why}"
    return line if len(line) <= STATUS_LIMIT else line[: STATUS_LIMIT - 3] + "..."


def _typed(value: object) -> str:
    """The value as it was typed. Python does not print very deep maps or very long numbers."""
    try:
        return str(value)[: 10 * STATUS_LIMIT]
    except (RecursionError, ValueError):
        return "..."
