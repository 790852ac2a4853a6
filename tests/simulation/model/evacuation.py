"""Evacuation, and ending it, as a daemon carries them out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lxd_reading import LxdError
from tests.simulation.model import heartbeats, times
from tests.simulation.model.membership import listed
from tests.simulation.model.operations import Operation, Work
from tests.simulation.model.records import Key, Records, Row, State
from view import Instance

if TYPE_CHECKING:
    from tests.simulation.model.server import Server

_STAYS = frozenset({"stop", "stateful-stop", "force-stop"})
"""Values of `cluster.evacuate` with which an instance is stopped and left where it is."""


def evacuation(server: Server, name: str) -> Operation:
    """The evacuation of a member: the one that is under way, or a new one."""
    cloud = server.cloud
    row = listed(server.records, name)
    for operation in cloud.operations:
        same = operation.kind == "evacuate" and operation.member == name
        if same and operation.server.records is server.records and not operation.done:
            return operation
    target = cloud.servers[row.server]
    if row.state is State.EVACUATED:
        raise LxdError("Cluster member is already evacuated")
    if not server.hears(row):
        raise LxdError(f"Unable to connect to: {row.address}")
    return cloud.start(target, "evacuate", name, _evacuate(target, row))


def _evacuate(server: Server, row: Row) -> Work:
    """Moves one instance after another; what has nowhere to go stays.

    Back to normal when a move fails. A daemon that ends on the way leaves the member evacuated.
    """
    records = server.records
    row.state = State.EVACUATED
    try:
        here = [k for k, i in records.instances.items() if i.location == row.name]
        for key in here:
            yield times.MOVE
            _move(server, key)
    except LxdError:
        row.state = State.CREATED
        raise


def _move(server: Server, key: Key) -> None:
    """Moves an instance to the member with the fewest; stops it if it shall stay, or must."""
    records, cloud = server.records, server.cloud
    instance = records.instances.get(key)
    if instance is None or instance.location != server.name:
        return
    fit = [
        row
        for row in records.members
        if heartbeats.status(records, row, cloud.now) == "ONLINE" and row.name != server.name
    ]
    if instance.evacuate in _STAYS or not fit:
        _stop(server, key)
        return
    target = min(fit, key=lambda r: (len(records.on(r.name)), r.name))
    _reach(server, instance, target)
    records.origins.setdefault(key, server.name)
    _carry(server, key, target)


def _stop(server: Server, key: Key) -> None:
    """An instance that an evacuation leaves behind is stopped, until the evacuation is ended."""
    records = server.records
    instance = records.instances[key]
    if instance.running:
        records.origins.setdefault(key, server.name)
        records.instances[key] = replace(instance, running=False)


def _reach(server: Server, instance: Instance, target: Row) -> None:
    if not server.hears(target):
        raise LxdError(f"Failed to migrate instance {instance.name!r}: {target.address}")


def _carry(server: Server, key: Key, target: Row) -> None:
    records, servers = server.records, server.cloud.servers
    instance = records.instances[key]
    source = records.rows.get(instance.location)
    if source is not None:
        servers[source.server].disk.pop(str(instance), None)
    arrived = replace(instance, location=target.name)
    records.instances[key] = arrived
    servers[target.server].disk[str(arrived)] = arrived


def move_by_name(server: Server, key: Key, target: str) -> Work:
    """Moves a stopped instance to a member, as `lxc move` does."""
    records = server.records
    row = listed(records, target)
    instance = _instance(records, key)
    if instance.running:
        raise LxdError("Instance must be stopped to be moved")
    source = listed(records, instance.location)
    for end in (source, row):
        _reach(server, instance, end)
    yield times.MOVE
    for end in (source, row):
        _reach(server, instance, end)
    if _instance(records, key).location == source.name:
        _carry(server, key, row)


def start(server: Server, key: Key) -> None:
    """Starts an instance where it is."""
    records = server.records
    instance = _instance(records, key)
    if instance.location in records.rows:
        _reach(server, instance, records.rows[instance.location])
    records.instances[key] = replace(instance, running=True)


def _instance(records: Records, key: Key) -> Instance:
    instance = records.instances.get(key)
    if instance is None:
        raise LxdError("Instance not found")
    return instance


def restore(server: Server, name: str) -> None:
    """Ends an evacuation: what was moved off comes back, what was stopped runs again."""
    records = server.records
    row = listed(records, name)
    row.state = State.CREATED
    for key in [key for key, origin in records.origins.items() if origin == name]:
        instance = records.instances.get(key)
        if instance is not None and instance.location == name:
            records.instances[key] = replace(instance, running=True)
        elif instance is not None:
            _carry(server, key, row)
        del records.origins[key]
