# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The charm's events in the simulation, made without ops."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import ops

from hooks.input_reader import PEERS
from lab.model.hooks import HookRun
from tests.simulation.ops_model import Named
from tests.simulation.stage import Stage


def _event(kind: type[Any]) -> Any:
    """An event that ops did not make."""
    return object.__new__(kind)


class Departed(ops.RelationDepartedEvent):
    """A unit is departing."""

    def __init__(self, stage: Stage, run: HookRun) -> None:
        self._departing = Named(stage, run.departing_unit, app=False)
        self.unit: Any = run.remote_unit
        units = set(stage.context.relation_list(run.relation_id))
        self.relation = SimpleNamespace(name=PEERS, units=units)  # pyright: ignore[reportAttributeAccessIssue]

    @property
    def departing_unit(self) -> Any:
        """As ops.RelationDepartedEvent."""
        return self._departing


class Action(ops.ActionEvent):
    """An operator's request."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.params = stage.context.action_get()
        kind = f"{stage.context.run.name.replace('-', '_')}_action"
        self.handle: Any = SimpleNamespace(kind=kind)
        self.id = stage.context.run.task_id

    def set_results(self, results: dict[str, Any]) -> None:
        """As ops.ActionEvent."""
        self._stage.context.action_set({key: str(value) for key, value in results.items()})

    def fail(self, message: str = "") -> None:
        """As ops.ActionEvent."""
        self._stage.context.action_fail(message)

    def log(self, message: str) -> None:
        """As ops.ActionEvent."""
        self._stage.context.action_log(self._stage.now(), message)


class CollectedStatuses(ops.CollectStatusEvent):
    """The statuses that handlers propose."""

    def __init__(self) -> None:
        self.statuses: list[ops.StatusBase] = []

    def add_status(self, status: ops.StatusBase) -> None:
        """As ops.CollectStatusEvent."""
        self.statuses.append(status)


_EVENTS: dict[str, type[ops.EventBase]] = {
    "install": ops.InstallEvent,
    "start": ops.StartEvent,
    "stop": ops.StopEvent,
    "remove": ops.RemoveEvent,
    "config-changed": ops.ConfigChangedEvent,
    "upgrade-charm": ops.UpgradeCharmEvent,
    "update-status": ops.UpdateStatusEvent,
    "leader-elected": ops.LeaderElectedEvent,
    "relation-created": ops.RelationCreatedEvent,
    "relation-joined": ops.RelationJoinedEvent,
    "relation-changed": ops.RelationChangedEvent,
}


def make_event(stage: Stage, run: HookRun) -> Any:
    """The event of a hook or an action."""
    if run.kind == "action":
        return Action(stage)
    if run.kind == "relation-departed":
        return Departed(stage, run)
    return _event(_EVENTS.get(run.kind, ops.HookEvent))
