"""The charm's options, typed. A bad value blocks and changes nothing."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError, ValidationInfo

import networks
import storage
import yaml_maps
from storage import wanted
from storage.wanted import WantedPool

STATUS_LIMIT = 79
"""Characters of a status message that `juju status` shows on a usual terminal."""

_CHANNEL = re.compile(r"[A-Za-z0-9][\w.+-]*/(stable|candidate|beta|edge)(/[\w.-]+)?")
_INTERFACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{1,14}")
_AUTOMATIC = ("auto", "none")

EVACUATE, REFUSE, ABANDON = "evacuate", "refuse", "abandon"
ON_REMOVE = (EVACUATE, REFUSE, ABANDON)
"""What to do with the instances on a unit that is removed."""

_TYPES = {
    "int": "use a whole number",
    "bool": "use true or false",
    "string": "use text",
}
"""What to say where pydantic refuses the type. Juju checks it first."""


def _channel(value: str) -> str:
    if not _CHANNEL.fullmatch(value):
        raise ValueError("use TRACK/RISK, such as 5.21/stable")
    return value


def _backend(value: str) -> str:
    if value in storage.ALLOWED:
        return value
    if value == storage.CEPHFS:
        raise ValueError("it holds no instances; name it in storage-pools")
    raise ValueError(f"use one of {', '.join(storage.ALLOWED)}")


def _mode(value: str) -> str:
    if value in networks.MODES:
        return value
    later = " (not supported yet)" if value in networks.LATER else ""
    raise ValueError(f"use one of {', '.join(sorted(networks.MODES))}{later}")


def _volume(value: str) -> str:
    return wanted.name(value) if value else value


def _pools(value: str, info: ValidationInfo) -> str:
    pools = wanted.parse(value, storage.BACKENDS)
    if any(pool.name == info.data.get("storage_pool") for pool in pools):
        raise ValueError(f"{info.data['storage_pool']} is storage-pool already")
    return value


def _interface(value: str) -> str:
    if not _INTERFACE.fullmatch(value):
        raise ValueError("use 2 to 15 letters, digits, '.', '_' or '-'")
    return value


def _ipv4(value: str) -> str:
    return value if value in _AUTOMATIC else _gateway(value, 4, "10.10.0.1/24")


def _ipv6(value: str) -> str:
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

    snap_channel: Annotated[str, AfterValidator(_channel)] = "5.21/stable"
    storage_backend: Annotated[str, AfterValidator(_backend)] = "auto"
    storage_pool: Annotated[str, AfterValidator(wanted.name)] = "local"
    storage_size: Annotated[str, AfterValidator(wanted.size)] = ""
    storage_devices: Annotated[str, AfterValidator(wanted.devices)] = ""
    storage_pools: Annotated[str, AfterValidator(_pools)] = ""
    storage_images_volume: Annotated[str, AfterValidator(_volume)] = ""
    storage_backups_volume: Annotated[str, AfterValidator(_volume)] = ""
    ceph_pool: Annotated[str, AfterValidator(wanted.in_ceph)] = ""
    ceph_replicas: Annotated[int, AfterValidator(_ceph_replicas)] = 3
    cephfs_name: Annotated[str, AfterValidator(wanted.in_ceph)] = "cephfs"
    network_mode: Annotated[str, AfterValidator(_mode)] = "bridge"
    network_name: Annotated[str, AfterValidator(_interface)] = "lxdbr0"
    network_ipv4: Annotated[str, AfterValidator(_ipv4)] = "auto"
    network_ipv6: Annotated[str, AfterValidator(_ipv6)] = "auto"
    network_nat: bool = True
    cluster_offline_threshold: Annotated[int, AfterValidator(_threshold)] = 20
    images_replicas: Annotated[int, AfterValidator(_replicas)] = 3
    on_remove: Annotated[str, AfterValidator(_on_remove)] = ON_REMOVE[0]
    min_voters: Annotated[int, AfterValidator(_min_voters)] = 1

    @property
    def default_pool(self) -> WantedPool:
        """The default pool. Its backend may be `auto`."""
        return WantedPool(
            name=self.storage_pool,
            backend=self.storage_backend,
            size=self.storage_size,
            devices=yaml_maps.words(self.storage_devices),
            in_ceph=self.ceph_pool,
        )

    @property
    def more_pools(self) -> tuple[WantedPool, ...]:
        """The pools beside the default one."""
        found = wanted.parse(self.storage_pools, storage.BACKENDS)
        return tuple(
            replace(pool, in_ceph=self.cephfs_name) if pool.backend == storage.CEPHFS else pool
            for pool in found
        )


def option_map(text: str) -> dict[str, object]:
    """A YAML map of options and values, as a user types it. Raises ValueError."""
    return dict(yaml_maps.mapping(text, "config is a YAML map of options, {storage-backend: zfs}"))


def of_leaver(config: Mapping[str, object]) -> Options:
    """What a unit that leaves needs of options that are not all right: those that are."""
    kept: dict[str, object] = {}
    for name in ("on-remove", "min-voters"):
        field = name.replace("-", "_")
        try:
            kept[field] = getattr(Options.model_validate({field: config[name]}), field)
        except (KeyError, ValidationError):
            continue
    return Options.model_validate(kept)


def explain(error: ValidationError) -> str:
    """The first mistake as one status line: option=value: what is allowed."""
    first = error.errors(include_url=False)[0]
    option = str(first["loc"][0]).replace("_", "-")
    family = first["type"].split("_")[0]
    why = _TYPES.get(family) or first["msg"].removeprefix("Value error, ")
    value = " ".join(str(first["input"]).split())
    room = STATUS_LIMIT - len(option) - len(why) - 3
    if len(value) > room:
        value = value[: max(room - 3, 5)] + "..."
    line = f"{option}={value}: {why}"
    return line if len(line) <= STATUS_LIMIT else line[: STATUS_LIMIT - 3] + "..."
