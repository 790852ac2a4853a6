# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""What Juju tells a unit about the others' states: `goal-state` and the application's status."""

from __future__ import annotations

from typing import Any

from lab.model import relations
from lab.model.clock import timestamp
from lab.model.errors import HookToolError
from lab.model.state import Application, State, StatusValue, Unit

_SEVERITY = {
    "error": 100,
    "blocked": 90,
    "maintenance": 80,
    "waiting": 70,
    "active": 60,
    "terminated": 50,
    "unknown": 40,
}


def shown_status(unit: Unit) -> StatusValue:
    """The workload's status as Juju shows it: a failed hook hides the charm's status."""
    if unit.failure is not None and unit.running is None:
        return StatusValue("error", f'hook failed: "{unit.failure.run.name}"', unit.agent_since)
    return unit.workload


def derived_status(state: State, app: Application) -> StatusValue:
    """The application's status: the one that the leader has set, otherwise the worst of its units'.

    The order of severity is that of juju's core/status.
    """
    if app.status is not None:
        return app.status
    statuses = [shown_status(unit) for unit in state.units.values() if unit.app == app.name]
    unknown = StatusValue("unknown", "", app.since)
    return max(statuses, key=lambda status: _SEVERITY.get(status.current, 0), default=unknown)


def application_status(state: State, app_name: str) -> dict[str, Any]:
    """JSON of `status-get --application --include-data`."""
    return {
        "application-status": _status_data(derived_status(state, state.applications[app_name])),
        "units": {
            unit.name: _status_data(shown_status(unit))
            for unit in state.units.values()
            if unit.app == app_name
        },
    }


def goal_state(state: State, unit: Unit) -> dict[str, Any]:
    """JSON of `goal-state`: the units that should exist, and the related ones.

    Leaving units are in it as `dying`; `ops` does not count those. Raises HookToolError if the
    model's faults let it fail.
    """
    if state.faults.goal_state:
        raise HookToolError(state.faults.goal_state)
    related: dict[str, Any] = {}
    for relation in state.relations.values():
        if relations.is_peer(relation) or unit.app not in {end.app for end in relation.ends}:
            continue
        remote = relations.remote_app(relation, unit.app)
        goals = related.setdefault(relations.own_endpoint(relation, unit.app).name, {})
        goals[remote] = {"status": "joined", "since": timestamp(state.applications[remote].since)}
        goals.update(_unit_goals(state, remote))
    return {"units": _unit_goals(state, unit.app), "relations": related}


def _unit_goals(state: State, app_name: str) -> dict[str, Any]:
    goals: dict[str, Any] = {}
    for unit in state.units.values():
        if unit.app == app_name:
            status = shown_status(unit)
            current = status.current if unit.life == "alive" else "dying"
            goals[unit.name] = {"status": current, "since": timestamp(status.since)}
    return goals


def _status_data(status: StatusValue) -> dict[str, Any]:
    return {"status": status.current, "message": status.message, "status-data": status.data}
