"""Networks, and what instances are connected to, as a daemon makes and keeps them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lxd_reading import LxdError
from networks.interface import Interface
from tests.simulation.model import changes, looks
from view import Network

if TYPE_CHECKING:
    from tests.simulation.model.records import Records
    from tests.simulation.model.server import Server

_ON_INTERFACE = frozenset({"macvlan", "physical", "sriov"})
"""Types that are on an interface of each member."""
_NEW = 5.0
"""Seconds in which an instance talks to nobody yet: no profile changes while one looks."""


def of_machine(machine: str) -> dict[str, Interface]:
    """The interfaces of a machine: on every other one the second card has another name."""
    second = "ens3" if machine.isdigit() and int(machine) % 2 else "eth1"
    return {name: Interface(name) for name in ("eth0", second)}


def define(server: Server, name: str, kind: str, member: str, parent: str) -> None:
    """The first phase: a network as one member will have it."""
    records = server.records
    known = records.networks.get(name)
    if known is not None and known.status == "Created":
        raise LxdError("The network already exists")
    if member not in records.rows:
        raise LxdError(f"Cluster member not found: {member}")
    defined = records.defined.setdefault(name, {})
    if member in defined:
        raise LxdError("The network is already defined on member " + member)
    if kind in _ON_INTERFACE and not parent:
        raise LxdError("Missing parent")
    defined[member] = parent
    records.networks.setdefault(name, Network(name, kind, "Pending", {}, frozenset()))


def create(server: Server, name: str, kind: str, config: Mapping[str, str]) -> None:
    """The second phase. All members must be up."""
    records = server.records
    defined = records.defined.get(name, {})
    network = Network(name, kind, "Created", _resolved(config), frozenset())
    if missing := {row.name for row in records.members} - set(defined):
        raise LxdError("Network not defined on nodes: " + ", ".join(sorted(missing)))
    if absent := changes.down(server):
        records.networks[name] = replace(network, status="Errored")
        raise LxdError(f"failed to notify peer {absent[0].address}")
    for row in records.members:
        _has(server.cloud.servers[row.server], kind, defined[row.name])
    records.networks[name] = network
    records.parents[name] = records.defined.pop(name, {})


def _has(server: Server, kind: str, parent: str) -> None:
    if kind in _ON_INTERFACE and parent not in server.interfaces:
        raise LxdError(f"Parent device {parent!r} doesn't exist")


def give(
    server: Server, network: Network, member: str, answers: Mapping[str, str], records: Records
) -> None:
    """The part of a server that joins. Nobody asks for an interface that was not named."""
    if network.type not in _ON_INTERFACE:
        return
    parent = answers.get(network.name, "")
    if parent:
        _has(server, network.type, parent)
    else:
        server.cloud.unlinked.append(f"{member} for {network.name}")
    records.parents.setdefault(network.name, {})[member] = parent


def parents(server: Server, name: str, members: Iterable[str]) -> dict[str, str]:
    """By member: the interface that a network is on."""
    known = server.records.parents.get(name, {})
    return {member: known.get(member, "") for member in members}


def delete(server: Server, name: str) -> None:
    """Deletes a network that nothing uses."""
    found = next((n for n in looks.networks(server) if n.name == name), None)
    if found is None:
        raise LxdError("Network not found")
    if found.used_by:
        raise LxdError("The network is currently in use")
    _all_up(server)
    server.records.networks.pop(name)
    server.records.defined.pop(name, None)
    server.records.parents.pop(name, None)


def update(
    server: Server,
    name: str,
    values: Mapping[str, str],
    members: Mapping[str, Mapping[str, str]],
) -> None:
    """Sets some keys of a network on every member, and some on single ones."""
    old = server.records.networks.get(name)
    if old is None:
        raise LxdError("Network not found")
    for member, keys in members.items():
        row = server.records.rows[member]
        if row.name != server.name and row in changes.down(server):
            raise LxdError(f"failed to reach {row.address}")
        server.records.parents[name][member] = keys["parent"]
    if not values:
        return
    _all_up(server)
    config = {**old.config, **_resolved(values)}
    server.records.networks[name] = replace(old, config=config)


def keep_nics(server: Server, nic: Mapping[str, str]) -> None:
    """Instances that are where the default profile says so say it themselves."""
    records = server.records
    kept = {key for key in records.following if records.nics.get(key) == nic.get("network", "")}
    records.following -= kept


def follow(server: Server, devices: Mapping[str, Any]) -> None:
    """The default profile changes: what follows it is on its network at once."""
    records = server.records
    there = devices.get("eth0", {}).get("network", "")
    for key in records.following & set(records.instances):
        settled = server.cloud.now - records.launched[key] > _NEW
        if settled and records.nics[key] and records.nics[key] != there:
            server.cloud.cut_off.append(f"{records.instances[key]} from {records.nics[key]}")
        records.nics[key] = there


def _all_up(server: Server) -> None:
    if server.records.clustered and (absent := changes.down(server)):
        raise LxdError(f"failed to notify peer {absent[0].address}")


def _resolved(config: Mapping[str, str]) -> dict[str, str]:
    """LXD chooses an address where `auto` is asked for."""
    chosen = {"ipv4.address": "10.0.0.1/24", "ipv6.address": "fd42::1/64"}
    return {k: chosen.get(k, v) if v == "auto" else v for k, v in config.items()}
