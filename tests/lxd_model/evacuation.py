# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Evacuation and its end, as a daemon executes them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.lxd_model import heartbeats, instances, peers, processes, times
from tests.lxd_model.membership import listed
from tests.lxd_model.operations import Operation, Work
from tests.lxd_model.records import Key, Role, Row, State
from tests.lxd_model.refusal import Refusal, bad

if TYPE_CHECKING:
    from tests.lxd_model.server import Server


def _member(server: Server, name: str) -> tuple[Row, Server]:
    """A member and its server, which executes what `server` is asked for. Raises Refusal."""
    row = listed(server.records, name)
    if name != server.name and not server.hears(row):
        raise peers.missing(server)
    return row, server.cloud.servers[row.server]


def evacuation(server: Server, name: str, mode: str = "", force: bool = False) -> Operation:
    """Begins the evacuation of a member. Raises Refusal.

    The daemon of that member executes it.
    """
    row, target = _member(server, name)
    if "clustering_evacuation_mode" not in target.generation.has:
        mode = ""
    if target.generation.newest:
        if any(_under_way(o, target, "evacuate") for o in server.cloud.operations):
            raise bad(
                f'Cannot evacuate "{name}" while another cluster member evacuation is in progress'
            )
        if not force:
            _keep_quorum(target, row)
    work = _evacuate(target, row, mode)
    return server.cloud.start(target, "evacuate", name, work, "Evacuating cluster member")


def _show(server: Server, kind: str, key: Key) -> None:
    """The operation names its member. After its end it does not."""
    operation = server.working(kind)
    if operation is None:
        return
    if kind == "evacuate":
        operation.url = f"/1.0/instances/{key[-1]}"
        operation.details = {}
        return
    progress = f'Migrating "{key[-1]}" in project "{key[0]}"'
    operation.details = {"evacuation_progress": progress}
    if server.generation.newest:
        operation.details["progress"] = {"stage": "evacuation"}


def _under_way(operation: Operation, server: Server, kind: str) -> bool:
    return (
        operation.kind == kind and not operation.done and operation.server.records is server.records
    )


def _keep_quorum(server: Server, row: Row) -> None:
    """6.9: too few voters would be up, and no other member could become one."""
    records, cloud = server.records, server.cloud
    if row.role is not Role.VOTER or row.state is State.EVACUATED:
        return
    fit = [
        r
        for r in records.members
        if r.state is not State.EVACUATED and not heartbeats.offline(records, r, cloud.now)
    ]
    voters = len(records.voters)
    up = sum(r.role is Role.VOTER for r in fit)
    if up - 1 >= (voters - 1) // 2 + 1:
        return
    others = sum(r.role is not Role.VOTER for r in fit)
    if not (up > 1 and up >= voters // 2 + 1 and up >= (voters - 1) // 2 + 1 and others):
        raise bad("Insufficient online voters to maintain quorum")


_NOT_CHOSEN = ("manual", "group")
"""Values of a member's key with which LXD chooses it for nothing, or only for a cluster group
(GetCandidateMembers in db/node.go).
"""


def _evacuate(server: Server, row: Row, mode: str) -> Work:
    """Moves one instance after another; an instance without a target stays.

    If a move fails, everything goes back to normal, except in 6.9. If the daemon ends on the way,
    the member stays evacuated.
    """
    records, newest = server.records, server.generation.newest
    yield 0.2 if newest else 0.02
    if row.state is State.EVACUATED:
        raise Refusal("Cluster member is already evacuated")
    row.state = State.EVACUATED
    if newest:
        heartbeats.rebalance(server.cloud, records, server.cloud.now)
    try:
        here = [k for k, i in records.instances.items() if i.location == row.name]
        for key in here:
            if operation := server.working("evacuate"):
                operation.details = operation.details or {}
            yield times.MOVE
            _move(server, key, mode)
    except Refusal as refusal:
        if newest:
            raise Refusal(f"{refusal} (cluster member remains evacuated)") from refusal
        row.state = State.CREATED
        raise


def _move(server: Server, key: Key, mode: str) -> None:
    """Moves an instance to the member with the fewest; stops it if it must stay."""
    records, cloud = server.records, server.cloud
    instance = records.instances.get(key)
    if instance is None or instance.location != server.name:
        return
    moves = mode == "migrate" or (mode != "stop" and instances.moves(records, instance))
    fit = [
        row
        for row in records.members
        if heartbeats.status(records, row, cloud.now) == "ONLINE"
        and row.name != server.name
        and row.config.get("scheduler.instance", "all") not in _NOT_CHOSEN
    ]
    runs = instance.running
    if runs and instances.stop(server, instance) is None:
        cloud.stopped.append(f"{instance}, ephemeral")
        return
    if not moves or not fit:
        if runs:
            cloud.stopped.append(str(instance))
            records.instances[key] = replace(records.instances[key], wanted=True)
        return
    target = min(fit, key=lambda r: (len(records.on(r.name)), r.name))
    _show(server, "evacuate", key)
    _reach(server, key, target)
    config = {"volatile.evacuate.origin": server.name, **instance.config}
    records.instances[key] = replace(records.instances[key], config=config, running=runs)
    instances.carry(server, key, target)


def _reach(server: Server, key: Key, target: Row) -> None:
    if target.name != server.name and not server.hears(target):
        why = peers.refused(server, target)
        verb = "Failed migrating" if server.generation.newest else "Failed to migrate"
        raise Refusal(f'{verb} instance "{key[-1]}" in project "{key[0]}": {why}')


def restoring(server: Server, name: str, mode: str = "") -> Operation:
    """Begins to end the evacuation of a member, on its own daemon. Raises Refusal."""
    row, target = _member(server, name)
    if "clustering_restore_skip_mode" not in target.generation.has:
        mode = ""
    if mode not in ("", "skip"):
        raise bad(f'Invalid mode: "{mode}"')
    if target.generation.newest and any(
        _under_way(o, target, "evacuate") and o.member == name for o in server.cloud.operations
    ):
        raise bad(f'Cannot restore "{name}" while an evacuate operation is in progress')
    work = _restore(target, row, mode)
    return server.cloud.start(target, "restore", name, work, "Restoring cluster member")


def _restore(server: Server, row: Row, mode: str) -> Work:
    """Stopped instances start again, then moved ones come back."""
    records = server.records
    yield 0.02
    if row.state is State.CREATED:
        raise Refusal("Cluster member is already restored")
    row.state = State.CREATED
    if server.generation.newest:
        heartbeats.rebalance(server.cloud, records, server.cloud.now)
    if mode == "skip":
        return
    for instance in records.on(row.name):
        if instance.wanted:
            records.instances[instance.key] = replace(instance, running=True, wanted=False)
            processes.begin(server, instance)
    away = [k for k, i in records.instances.items() if i.origin == row.name]
    try:
        for key in away:
            yield times.MOVE
            _bring_back(server, key, row)
    except Refusal:
        row.state = State.EVACUATED
        raise


def _bring_back(server: Server, key: Key, row: Row) -> None:
    records = server.records
    instance = records.instances.get(key)
    if instance is None or instance.origin != row.name:
        return
    _show(server, "restore", key)
    if instance.location != row.name:
        _reach(server, key, records.rows[instance.location])
        instances.carry(server, key, row)
    config = {k: v for k, v in instance.config.items() if k != "volatile.evacuate.origin"}
    records.instances[key] = replace(records.instances[key], config=config)


def move_by_name(server: Server, key: Key, target: str) -> Work:
    """Moves an instance to a member without its state, as `lxc move` does.

    LXD stops one that runs. From 5.21 on it does that by force and leaves it stopped; 5.0 starts it
    again (instance_post.go).
    """
    records, cloud = server.records, server.cloud
    row = listed(records, target)
    instance = instances.find(records, key)
    if heartbeats.offline(records, row, cloud.now):
        raise bad("Target node is offline")
    if server.generation.modern and row.state is State.EVACUATED:
        raise Refusal("The destination cluster member is evacuated")
    source = listed(records, instance.location)
    if heartbeats.offline(records, source, cloud.now) and instances.on_remote_pool(
        records, instance
    ):
        # LXD changes only its database, and treats the instance as stopped. From 5.21 on the
        # target's daemon does it.
        if server.generation.modern and row.name != server.name and not server.hears(row):
            raise peers.missing(server)
        _reach(cloud.servers[row.server], key, row)
        yield times.MOVE
        ran = instance.running or instance.wanted
        records.instances[key] = replace(instance, running=False, wanted=ran)
        instances.carry(server, key, row)
        return
    if source.name != server.name and not server.hears(source):
        raise peers.missing(server)
    yield 0.02
    if instance.running and server.generation.modern:
        cloud.stopped.append(str(instance))
        instances.stop(server, instance)
    _reach(cloud.servers[source.server], key, row)
    yield times.MOVE
    for end in (source, row):
        _reach(server, key, end)
    if instances.find(records, key).location == source.name:
        instances.carry(server, key, row)
