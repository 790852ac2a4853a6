# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Instances."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from tests.lxd_model import evacuation, heartbeats, instances, peers, processes, times
from tests.lxd_model.api import used_by
from tests.lxd_model.api.call import EMPTY, Answer, Call, Handler, began
from tests.lxd_model.api.etag import check, etag
from tests.lxd_model.operations import Operation, Work
from tests.lxd_model.records import State
from tests.lxd_model.refusal import Refusal, bad
from tests.lxd_model.things import DEFAULT, Instance

if TYPE_CHECKING:
    from tests.lxd_model.records import Key
    from tests.lxd_model.server import Server

PATH = "/1.0/instances"
_GROUP = "volatile.cluster.group"
_OF_STATE = frozenset({"Starting instance", "Stopping instance"})


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _as_json(call: Call, instance: Instance) -> dict[str, Any]:
    records = call.records
    found: dict[str, Any] = {
        "name": instance.name,
        "description": instance.description,
        "status": "Running" if instance.running else "Stopped",
        "status_code": 103 if instance.running else 102,
        "created_at": "2026-11-28T00:00:00Z",
        "last_used_at": _moment(instance.started),
        "location": instance.location,
        "type": instance.kind,
        "project": instance.project,
        "architecture": "x86_64",
        "ephemeral": instance.ephemeral,
        "stateful": False,
        "profiles": list(instance.profiles),
        "config": dict(instance.config),
        "devices": dict(instance.devices),
    }
    # LXD leaves out what is empty.
    if config := instances.all_config(records, instance):
        found["expanded_config"] = config
    if devices := instances.all_devices(records, instance):
        found["expanded_devices"] = devices
    return found


def _unknown(instance: Instance) -> dict[str, Any]:
    """An instance of a member that does not answer: LXD knows almost nothing of it."""
    return {
        "name": instance.name,
        "description": "",
        "status": "Error",
        "status_code": 400,
        "created_at": "0001-01-01T00:00:00Z",
        "last_used_at": "0001-01-01T00:00:00Z",
        "location": instance.location,
        "type": "",
        "project": instance.project,
        "architecture": "",
        "ephemeral": False,
        "stateful": False,
        "profiles": None,
        "config": None,
        "devices": None,
    }


def get_all(call: Call) -> Answer:
    """GET /1.0/instances."""
    records, server = call.records, call.server
    asked = call.query.get("all-projects") == "true"
    found = [i for i in records.instances.values() if asked or i.project == call.project]
    if not call.recursive:
        return Answer([used_by.instance(i) for i in found])
    silent, slow = _silent(server)
    rows = [_unknown(i) if i.location in silent else _as_json(call, i) for i in found]
    waits = any(i.location in slow for i in found)
    return Answer(rows, took=times.HANDSHAKE if waits else times.REQUEST)


def _silent(server: Server) -> tuple[set[str], set[str]]:
    """Members that do not answer, and those of them that LXD notices only late."""
    records, cloud = server.records, server.cloud
    silent = [r for r in records.members if r.name != server.name and not server.hears(r)]
    slow = {
        row.name
        for row in silent
        if (there := cloud.servers[row.server]).running
        and not (cloud.now - row.heartbeat > records.threshold)
        and (there.frozen or not cloud.reachable(server.machine, row.server))
    }
    return {row.name for row in silent}, slow


def _key(call: Call) -> Key:
    return call.project, call.names[0]


def _find(call: Call) -> Instance:
    """An instance on a member that answers. Raises Refusal."""
    instance = instances.find(call.records, _key(call))
    row = call.records.rows.get(instance.location)
    if row is not None and row.name != call.server.name and not call.server.hears(row):
        raise peers.missing(call.server)
    return instance


def get(call: Call) -> Answer:
    """GET /1.0/instances/NAME."""
    instance = _find(call)
    return Answer(_as_json(call, instance), _etag(instance))


def _etag(instance: Instance) -> str:
    return etag(
        instance.config, instance.devices, instance.ephemeral, instance.profiles, instance.kind
    )


def post(call: Call) -> Answer:
    """POST /1.0/instances: an empty, stopped one."""
    body, server = call.body, call.server
    name = body.get("name")
    if not name:
        raise bad("No name provided")
    place = call.forwarded() or server.place
    row = call.records.rows.get(place)
    if row is not None and row.state is State.EVACUATED and "target" in call.query:
        raise Refusal("Cluster member is evacuated", 403)
    project = call.project
    instance = Instance(
        project=project,
        name=name,
        location=place,
        config=call.config,
        devices=call.devices,
        profiles=tuple(body.get("profiles") or (DEFAULT,)),
        ephemeral=bool(body.get("ephemeral")),
        kind=body.get("type") or "container",
        launched=server.cloud.now,
    )

    def effect() -> None:
        keep(server, instance)

    return _operation(call, "Creating instance", instance.key, effect, 0.1)


def keep(server: Server, instance: Instance) -> Instance:
    """Store a new instance, on the pool of its root disk. Raises Refusal."""
    records = server.records
    if instance.key in records.instances:
        raise Refusal(f'Instance "{instance.name}" already exists', 409)
    row = records.rows.get(instance.location)
    devices = instances.all_devices(records, instance).values()
    pool = next((d.get("pool", "") for d in devices if d.get("path") == "/"), "")
    uuid = f"{server.cloud.count():08x}-0000-4000-8000-000000000003"
    instance = replace(instance, pool=pool, config={**instance.config, "volatile.uuid": uuid})
    records.instances[instance.key] = instance
    there = server.cloud.servers[row.server] if row is not None else server
    there.disk[str(instance)] = instance
    if instance.running:
        processes.begin(there, instance)
    return instance


def _operation(call: Call, what: str, key: Key, effect: Any, seconds: float) -> Answer:
    def work() -> Work:
        yield times.OPERATION
        effect()
        yield seconds

    server = call.server
    operation = server.cloud.start(server, "instance", key[-1], work(), what)
    _is_about(operation, key)
    return began(operation)


def _is_about(operation: Operation, key: Key) -> None:
    """The operation names its instance."""
    operation.url = used_by.url("instances", key[-1], project=key[0])
    modern = operation.server.generation.modern
    old = operation.url if modern else f"/1.0/containers/{key[-1]}"
    operation.resources = {"containers": [old], "instances": [operation.url]}
    if operation.description in _OF_STATE:
        del operation.resources["containers"]


def _member(server: Server, key: Key, target: str) -> str:
    """The member for a move, which LXD chooses in a cluster group; else it leaves its group."""
    records, now = server.records, server.cloud.now
    instance = instances.find(records, key)
    if not target.startswith("@"):
        config = {k: v for k, v in instance.config.items() if k != _GROUP}
        records.instances[key] = replace(instance, config=config)
        return target
    able = [
        row.name
        for row in records.members
        if target[1:] in row.groups
        and row.name != instance.location
        and row.state is not State.EVACUATED
        and not heartbeats.offline(records, row, now)
        and row.config.get("scheduler.instance") != "manual"
    ]
    if not able:
        raise Refusal("No suitable cluster member could be found")
    return min(able, key=lambda name: len(records.on(name)))


def move(call: Call) -> Answer:
    """POST /1.0/instances/NAME?target=MEMBER: it moves there."""
    server, key = call.server, _key(call)
    target = call.query.get("target", "")
    if not call.body.get("migration") or not target:
        raise bad("Only moving an instance to a member is modelled")
    work = evacuation.move_by_name(server, key, _member(server, key, target))
    operation = server.cloud.start(server, "move_instance", key[-1], work, "Migrating instance")
    _is_about(operation, key)
    return began(operation)


def put_state(call: Call) -> Answer:
    """PUT /1.0/instances/NAME/state: starts or stops it."""
    server, instance = call.server, _find(call)
    action = call.body.get("action")
    row = call.records.rows.get(instance.location)
    if action == "start":
        instances.refuse_evacuated(row)

    def effect() -> None:
        if action == "start":
            instances.start(server, instance.key)
        else:
            instances.stop(server, instances.find(server.records, instance.key))

    what = {"start": "Starting instance", "stop": "Stopping instance"}.get(str(action))
    if what is None:
        raise bad(f'Unknown action "{action}"')
    return _operation(call, what, instance.key, effect, 0.5)


def patch(call: Call) -> Answer:
    """PATCH /1.0/instances/NAME: changes only the named devices and keys."""
    instance = _find(call)
    check(call, _etag(instance))
    devices = {**instance.devices, **call.devices}
    config = {**instance.config, **call.config}
    description = call.body.get("description", "")
    instances.set_devices(call.server, instance.key, devices, config, description)
    return Answer(EMPTY)


def put(call: Call) -> Answer:
    """PUT /1.0/instances/NAME, which is an operation in all generations."""
    instance = _find(call)
    check(call, _etag(instance))
    devices = call.devices
    config = call.config
    description = call.body.get("description", "")

    def effect() -> None:
        instances.set_devices(call.server, instance.key, devices, config, description)

    return _operation(call, "Updating instance", instance.key, effect, 0.1)


def delete(call: Call) -> Answer:
    """DELETE /1.0/instances/NAME."""
    instance = _find(call)
    if instance.running:
        raise bad("Instance is running")

    def effect() -> None:
        instances.delete(call.server, instance.key)

    return _operation(call, "Deleting instance", instance.key, effect, 0.1)


def get_old(call: Call) -> Answer:
    """GET /1.0/containers and /1.0/virtual-machines, until 6.7."""
    if call.server.generation.newest:
        raise Refusal("Not Found", 404)
    return get_all(call)


ROUTES: dict[str, dict[str, Handler]] = {
    PATH: {"GET": get_all, "POST": post},
    f"{PATH}/NAME": {"GET": get, "POST": move, "PATCH": patch, "PUT": put, "DELETE": delete},
    f"{PATH}/NAME/state": {"PUT": put_state},
    "/1.0/containers": {"GET": get_old},
    "/1.0/virtual-machines": {"GET": get_old},
}
