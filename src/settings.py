"""What the operator's options mean to a formed cluster, and how far it is from that."""

from __future__ import annotations

import networks
import pools
from networks import Subnets
from options import Options
from pools import PROFILE
from status import Status, blocked
from steps import CreateNetwork, SetDefaultProfile, SetServerConfig, Step, UpdateNetwork
from view import Lxd, Network

_DEFAULTS = {"cluster.offline_threshold": "20", "cluster.images_minimal_replica": "3"}
"""LXD leaves a key out of its configuration while it has this value."""


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


def default_profile(options: Options, pool: str, lxd: Lxd) -> list[Step]:
    """Lets the default profile use the pool and the default network, and no other network of ours.

    A pool that is not there yet on all members leaves the profile as it is.
    """
    if lxd.pools is None or lxd.networks is None:
        return []
    name = wanted_network(options)
    made = next((p for p in lxd.pools if p.name == pool), None)
    if made is None or made.half_made:
        return []
    if PROFILE in made.used_by and _nic_is_right(name, options.network_name, lxd.networks):
        return []
    return [*pools.moving(pool, lxd.pools), SetDefaultProfile(pool, name)]


def _nic_is_right(wanted: str, ours: str, known: tuple[Network, ...]) -> bool:
    used = {n.name for n in known if PROFILE in n.used_by}
    return wanted in used if wanted else ours not in used
