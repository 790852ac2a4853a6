# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The charm on the real ops, for a share of the seeds: one hook in `ops.testing` after another."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Any, cast

import ops
from ops import testing
from scenario import (  # pyright: ignore[reportMissingTypeStubs]
    mocking,
)

import charm
import tests.ops_testing  # noqa: F401  # pyright: ignore[reportUnusedImport]
from hooks import attached_snap, reading
from hooks.input_reader import HTTPS, PEERS
from lab.model.context import HookContext
from tests.simulation.stage import Stage, current, set_stage


def run_hook(stage: Stage) -> None:
    """Runs the charm for the stage's hook. Afterwards the hook's context has what it wrote.

    No other hook runs meanwhile: ops keeps some of its state in the process.
    """
    set_stage(stage)
    context = stage.context
    app, _, number = context.unit.partition("/")
    ops_context = _context(app, int(number))
    relation = _relation(context)
    event = _event(ops_context, context, relation)
    try:
        out = ops_context.run(event, _state(stage, relation))
    except testing.ActionFailed as failed:
        context.action_fail(failed.message)
        out = cast("testing.State", failed.state)
    except testing.errors.UncaughtCharmError as error:
        cause = error.__cause__
        raise cause if isinstance(cause, Exception) else error from error
    if context.run.kind == "action":
        results = ops_context.action_results or {}
        context.action_set({key: str(value) for key, value in results.items()})
    _take_over(stage, relation, out)


_backend = mocking._MockModelBackend  # pyright: ignore[reportPrivateUsage]
_status_set = _backend.status_set


def _status_at_once(self: Any, status: Any, message: str = "", *, is_app: bool = False) -> None:
    """Juju shows a status at once, however the hook ends."""
    _status_set(self, status, message, is_app=is_app)
    stage = current()
    stage.context.status_set(stage.now(), status, message, app=is_app)


_backend.status_set = _status_at_once


@lru_cache(maxsize=64)
def _context(app: str, number: int) -> testing.Context[charm.LxdClusterCharm]:
    return testing.Context(charm.LxdClusterCharm, app_name=app, unit_id=number)


def _relation(context: HookContext) -> testing.PeerRelation | None:
    found = context.relation_ids(PEERS)
    if not found:
        return None
    number = int(found[0].partition(":")[2])
    app = context.unit.partition("/")[0]
    return testing.PeerRelation(
        PEERS,
        id=number,
        peers_data={
            int(unit.partition("/")[2]): context.relation_get(number, unit)
            for unit in context.relation_list(number)
        },
        local_unit_data=context.relation_get(number, context.unit),
        local_app_data=context.relation_get(number, app, app=True),
    )


def _state(stage: Stage, relation: testing.PeerRelation | None) -> testing.State:
    context = stage.context
    told = {name: context.network_get(name) for name in (PEERS, HTTPS, reading.NETWORK)}
    addresses = {n: t["bind-addresses"][0]["addresses"][0]["value"] for n, t in told.items()}
    status = context.status_get()
    return testing.State(
        leader=context.is_leader(stage.now()),
        config=dict(context.config),
        relations={relation} if relation else set[testing.PeerRelation](),
        networks={
            testing.Network(name, [testing.BindAddress([testing.Address(address)])])
            for name, address in addresses.items()
        },
        planned_units=len(context.goal_state()["units"]),
        resources={testing.Resource(name=attached_snap.RESOURCE, path=os.devnull)},
        unit_status=_status(status.current, status.message),
    )


def _status(name: str, message: str) -> Any:
    """The charm cannot set the status that the agent itself shows for a unit."""
    try:
        return (
            testing.UnknownStatus()
            if name == "unknown"
            else ops.StatusBase.from_name(name, message)
        )
    except KeyError:
        return testing.UnknownStatus()


def _event(
    ops_context: testing.Context[charm.LxdClusterCharm],
    context: HookContext,
    relation: testing.PeerRelation | None,
) -> Any:
    run = context.run
    on: Any = ops_context.on
    if run.kind == "action":
        return on.action(run.name, params=dict(context.action_get()))
    name = run.kind.replace("-", "_")
    if relation is None or run.relation_id is None:
        return getattr(on, name)()
    if run.kind == "relation-created":
        return on.relation_created(relation)
    if run.kind == "relation-departed":
        return on.relation_departed(
            relation,
            remote_unit=_number(run.remote_unit),
            departing_unit=_number(run.departing_unit),
        )
    if not run.remote_unit:
        # ops.testing has no event for a change of the application's own data. For the charm any
        # other event is as good.
        others = sorted(relation.peers_data)
        return (
            on.relation_changed(relation, remote_unit=others[0]) if others else on.update_status()
        )
    return getattr(on, name)(relation, remote_unit=_number(run.remote_unit))


def _number(unit: str) -> int:
    return int(unit.partition("/")[2])


def _take_over(stage: Stage, before: testing.PeerRelation | None, out: testing.State) -> None:
    """Passes what the charm told ops to the model of Juju."""
    context = stage.context
    if before is not None:
        after = out.get_relation(before.id)
        assert isinstance(after, testing.PeerRelation)
        _write(context, before.id, before.local_unit_data, after.local_unit_data, app=False)
        _write(context, before.id, before.local_app_data, after.local_app_data, app=True)
    for port in out.opened_ports:
        if port.port is not None:
            context.open_port(str(port.protocol), port.port, port.port, [])
    if out.workload_version:
        context.application_version_set(out.workload_version)


def _write(context: HookContext, relation: int, before: Any, after: Any, *, app: bool) -> None:
    changes = {key: value for key, value in after.items() if before.get(key) != value}
    changes |= {key: "" for key in before if key not in after}
    if changes:
        context.relation_set(changes, relation, app=app)
