"""Changes of what a server or its whole cluster shares: keys, pools, networks, the profile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lxd_reading import LxdError
from tests.simulation.model import looks, pools
from tests.simulation.model.records import Row
from view import Network

if TYPE_CHECKING:
    from tests.simulation.model.server import Server

_LOCAL = ("core.https_address", "cluster.https_address")
"""Keys that each server has for itself."""


def set_config(server: Server, values: Mapping[str, str]) -> None:
    """Sets keys; an empty value takes one away."""
    if server.records.clustered and "cluster.https_address" in values:
        raise LxdError("Changing cluster.https_address is not supported on a clustered server")
    for key, value in values.items():
        where = server.config if key in _LOCAL else server.records.config
        if value:
            where[key] = value
        else:
            where.pop(key, None)


def write_notes(server: Server, values: Mapping[str, str]) -> None:
    """Sets keys of the default project; an empty value takes one away."""
    notes = {**server.records.notes, **values}
    server.records.notes = {key: value for key, value in notes.items() if value}


def exchange(server: Server, key: str, before: str, after: str) -> bool:
    """Sets a key if it has the value that is expected."""
    if server.records.notes.get(key, "") != before:
        return False
    write_notes(server, {key: after})
    return True


def define_network(server: Server, name: str, member: str) -> None:
    """The first phase: a network as one member will have it."""
    records = server.records
    known = records.networks.get(name)
    if known is not None and known.status == "Created":
        raise LxdError("The network already exists")
    row = records.rows.get(member)
    if row is None:
        raise LxdError(f"Cluster member not found: {member}")
    defined = records.defined.setdefault(name, set())
    if member in defined:
        raise LxdError("The network is already defined on member " + member)
    defined.add(member)
    records.networks.setdefault(name, Network(name, "bridge", "Pending", {}, frozenset()))


def create_network(server: Server, name: str, kind: str, config: Mapping[str, str]) -> None:
    """The second phase, or all of it on a server alone. All members must be up."""
    records = server.records
    network = Network(name, kind, "Created", _resolved(config), frozenset())
    if not records.clustered:
        if name in records.networks:
            raise LxdError("The network already exists")
        records.networks[name] = network
        return
    missing = {row.name for row in records.members} - records.defined.get(name, set())
    if missing:
        raise LxdError("Network not defined on nodes: " + ", ".join(sorted(missing)))
    absent = down(server)
    if absent:
        records.networks[name] = replace(network, status="Errored")
        raise LxdError(f"failed to notify peer {absent[0].address}")
    records.networks[name] = network
    records.defined.pop(name, None)


def delete_network(server: Server, name: str) -> None:
    """Deletes a network that nothing uses."""
    found = next((n for n in looks.networks(server) if n.name == name), None)
    if found is None:
        raise LxdError("Network not found")
    if found.used_by:
        raise LxdError("The network is currently in use")
    _all_up(server)
    server.records.networks.pop(name)
    server.records.defined.pop(name, None)


def update_network(server: Server, name: str, values: Mapping[str, str]) -> None:
    """Sets some keys of a network's configuration on every member."""
    old = server.records.networks.get(name)
    if old is None:
        raise LxdError("Network not found")
    _all_up(server)
    config = {**old.config, **_resolved(values)}
    server.records.networks[name] = replace(old, config=config)


def set_profile(server: Server, profile: Mapping[str, Any]) -> None:
    """Replaces the default profile."""
    pools.refuse_move(server, profile["devices"].get("root", {}).get("pool", ""))
    server.records.profile = {**profile, "devices": dict(profile["devices"])}


def set_domain(server: Server, name: str, domain: str) -> None:
    """Sets a member's failure domain."""
    row = server.records.rows.get(name)
    if row is None:
        raise LxdError(f'No cluster member called "{name}"')
    row.domain = domain


def down(server: Server) -> list[Row]:
    """The members that this one cannot reach now, whatever the list says."""
    return [row for row in server.records.members if not server.hears(row)]


def _all_up(server: Server) -> None:
    if server.records.clustered and (absent := down(server)):
        raise LxdError(f"failed to notify peer {absent[0].address}")


def _resolved(config: Mapping[str, str]) -> dict[str, str]:
    """LXD chooses an address where `auto` is asked for."""
    chosen = {"ipv4.address": "10.0.0.1/24", "ipv6.address": "fd42::1/64"}
    return {k: chosen.get(k, v) if v == "auto" else v for k, v in config.items()}
