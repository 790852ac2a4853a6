"""What the operator's options mean to a formed cluster, and how far it is from that."""

from __future__ import annotations

import networks
from networks import Subnets
from options import Options
from peers import Storage
from status import Status, blocked
from steps import CreateNetwork, SetDefaultProfile, SetServerConfig, Step, UpdateNetwork
from view import Lxd, Network

PROFILE = "/1.0/profiles/default"

_DEFAULTS = {"cluster.offline_threshold": "20", "cluster.images_minimal_replica": "3"}
"""LXD leaves a key out of its configuration while it has this value."""


def storage_change(options: Options, decided: Storage) -> Status | None:
    """Blocked if the operator asks for another pool than the one the cluster was made with."""
    asked = {
        "storage-backend": (options.storage_backend, decided.backend),
        "storage-pool": (options.storage_pool, decided.pool),
        "storage-size": (options.storage_size, decided.size),
    }
    for option, (value, has) in asked.items():
        if value not in {has, "auto"}:
            back = f"{option}={has}" if has else f"--reset {option}"
            return blocked(f"{option}={value}: cannot change on a cluster yet; set {back}")
    return None


def subnets(options: Options) -> Subnets:
    """The addresses that the operator wants on the default network."""
    return Subnets(options.network_ipv4, options.network_ipv6, options.network_nat)


def wanted_network(options: Options) -> str:
    """The name of the network that LXD is to manage, empty where the mode has none."""
    return options.network_name if networks.MODES[options.network_mode].type else ""


def server_config(options: Options, actual: dict[str, str]) -> list[Step]:
    """Brings the cluster-wide server configuration to what the options say."""
    wanted = {
        "cluster.offline_threshold": str(options.cluster_offline_threshold),
        "cluster.images_minimal_replica": str(options.images_replicas),
    }
    missing = {k: v for k, v in wanted.items() if actual.get(k, _DEFAULTS[k]) != v}
    return [SetServerConfig(missing)] if missing else []


def default_network(options: Options, lxd: Lxd) -> tuple[list[Step], Status | None]:
    """Brings the default network to what the options say, or why that cannot be done."""
    name = wanted_network(options)
    if not name or lxd.networks is None:
        return [], None
    mode = networks.MODES[options.network_mode]
    config = mode.config(subnets(options))
    there = next((n for n in lxd.networks if n.name == name), None)
    if there is None or there.half_made:
        members = tuple(sorted(m.name for m in lxd.members))
        return [CreateNetwork(name, mode.type, config, members)], None
    if there.type != mode.type:
        return [], blocked(f"network-name={name}: that is a {there.type} here; choose another name")
    changes = networks.drift(config, there.config)
    return ([UpdateNetwork(name, changes)] if changes else []), None


def default_profile(options: Options, decided: Storage, lxd: Lxd) -> list[Step]:
    """Lets the default profile use the default pool and network, and no other network of ours."""
    if lxd.pools is None or lxd.networks is None:
        return []
    name = wanted_network(options)
    pool = next((p for p in lxd.pools if p.name == decided.pool), None)
    root_is_right = pool is None or PROFILE in pool.used_by
    if root_is_right and _nic_is_right(name, options.network_name, lxd.networks):
        return []
    return [SetDefaultProfile(decided.pool, name)]


def _nic_is_right(wanted: str, ours: str, known: tuple[Network, ...]) -> bool:
    used = {n.name for n in known if PROFILE in n.used_by}
    return wanted in used if wanted else ours not in used
