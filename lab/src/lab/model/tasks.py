# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Tasks: actions and commands that wait for their unit's agent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal, cast

from lab.model.charm import ActionSpec
from lab.model.errors import JujuError
from lab.model.state import State, Task, TaskStatus

_JSON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


def resolve_unit(state: State, name: str) -> str:
    """The unit that a name means, `app/leader` included. Raises JujuError when there is none."""
    app_name, _, which = name.partition("/")
    if which == "leader" and app_name in state.applications:
        lease = state.applications[app_name].lease
        if lease is None or lease.holder not in state.units:
            raise JujuError(f'could not determine leader for "{app_name}"')
        return lease.holder
    if name not in state.units:
        raise JujuError(f'unit "{name}" not found')
    return name


def run_action(
    state: State, now: float, unit_name: str, action: str, params: Mapping[str, Any]
) -> str:
    """Queue an action; returns the task's id. Raises JujuError if the charm does not have it."""
    unit = state.units[resolve_unit(state, unit_name)]
    spec = state.charms[state.applications[unit.app].charm].actions.get(action)
    if spec is None:
        raise JujuError(f'action "{action}" not defined on unit "{unit.name}"')
    return _enqueue(state, now, unit.name, "action", action, _checked(spec, params))


def exec_command(state: State, now: float, unit_name: str, command: str) -> str:
    """Queue a command; returns the task's id."""
    unit = resolve_unit(state, unit_name)
    return _enqueue(state, now, unit, "exec", "juju-exec", {"command": command})


def cancel(state: State, now: float, task_id: str) -> None:
    """Cancel a waiting task. Raises JujuError for an unknown one."""
    task = state.tasks.get(task_id)
    if task is None:
        raise JujuError(f'task "{task_id}" not found')
    if task.status == "pending":
        finish(state, now, task, "cancelled", "")


def finish(state: State, now: float, task: Task, status: TaskStatus, message: str) -> None:
    """Close a task."""
    task.status = status
    task.message = message
    task.completed = now
    unit = state.units.get(task.unit)
    if unit is not None and task.id in unit.pending_tasks:
        unit.pending_tasks.remove(task.id)


def nested(flat: Mapping[str, str]) -> dict[str, Any]:
    """Results in Juju's format: `a.b=1` becomes `{"a": {"b": "1"}}`."""
    tree: dict[str, Any] = {}
    for key, value in flat.items():
        *path, leaf = key.split(".")
        branch = tree
        for part in path:
            if not isinstance(branch.get(part), dict):
                branch[part] = {}
            branch = cast("dict[str, Any]", branch[part])
        branch[leaf] = value
    return tree


def _enqueue(
    state: State,
    now: float,
    unit: str,
    kind: Literal["action", "exec"],
    name: str,
    params: dict[str, Any],
) -> str:
    operation = str(state.counters.task + 1)
    task_id = str(state.counters.task + 2)
    state.counters.task += 2
    state.tasks[task_id] = Task(task_id, operation, unit, kind, name, params, enqueued=now)
    state.units[unit].pending_tasks.append(task_id)
    return task_id


def _checked(spec: ActionSpec, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters with their defaults. Raises JujuError for those that the schema refuses."""
    text = json.dumps(dict(parameters))
    for key, value in parameters.items():
        schema = spec.params.get(key)
        if schema is not None:
            _check_type(key, value, schema.get("type"))
        elif not spec.additional_properties:
            raise JujuError(
                f'validation failed: (root) : additional property "{key}" is not allowed, '
                f"given {text}"
            )
    for key in spec.required:
        if key not in parameters:
            raise JujuError(
                f'validation failed: (root) : "{key}" property is missing, given {text}'
            )
    return {**_defaults(spec, parameters), **parameters}


def _check_type(key: str, value: Any, type_name: Any) -> None:
    """Raises JujuError for a value that is not of the type that the schema names."""
    if type_name in _JSON_TYPES and not _fits(value, type_name):
        raise JujuError(
            f"validation failed: (root).{key} : must be of type {type_name}, "
            f"given {json.dumps(value)}"
        )


def _defaults(spec: ActionSpec, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The schema's defaults. Raises JujuError where Juju fails to read them."""
    for key, schema in spec.params.items():
        if isinstance(parameters.get(key), dict) and "properties" not in schema:
            # Juju looks for defaults of the map's properties without a check that they exist.
            raise JujuError(
                "schema error caused a panic: interface conversion: interface {} is nil, "
                "not map[string]interface {}"
            )
    return {key: raw["default"] for key, raw in spec.params.items() if "default" in raw}


def _fits(value: Any, type_name: str) -> bool:
    if isinstance(value, bool):
        return type_name == "boolean"
    return isinstance(value, _JSON_TYPES[type_name])
