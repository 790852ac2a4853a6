# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Actions and commands: queued on units, or run on a machine outside of any unit."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from lab.controller.model_store import ModelStore
from lab.machines.programs import MachineError
from lab.model.errors import JujuError
from lab.model.juju import Juju
from lab.model.state import Task

_ENDED = ("completed", "failed", "cancelled")


def _stamp(seconds: float | None) -> str:
    moment = time.gmtime(seconds) if seconds is not None else time.gmtime(0)
    return time.strftime("%Y-%m-%d %H:%M:%S +0000 UTC", moment)


def task_json(task: Task) -> dict[str, Any]:
    """A task that has ended, as `juju run --format json` prints it."""
    entry: dict[str, Any] = {
        "id": task.id,
        "log": [f"{_stamp(moment)} {message}" for moment, message in task.log],
        "results": task.results,
        "status": task.status,
        "timing": {
            "enqueued": _stamp(task.enqueued),
            "started": _stamp(task.started),
            "completed": _stamp(task.completed),
        },
    }
    entry["unit" if "/" in task.unit else "machine"] = task.unit
    if task.message:
        entry["message"] = task.message
    return entry


class TaskRunner:
    """The operator's `run` and `exec`. What Juju refuses raises JujuError."""

    def __init__(self, store: ModelStore) -> None:
        self._store = store
        # Commands on machines leave no record in the model, which knows only units.
        self._machine_tasks: dict[str, Task] = {}

    def run(self, units: Sequence[str], action: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Queue an action on units: `tasks` by unit, or `refused` with the reason."""
        with self._store.changing() as juju:
            operation = str(juju.state.counters.task + 1)
            try:
                ids = [juju.run_action(self._store.now(), unit, action, params) for unit in units]
            except JujuError as error:
                return {"operation": operation, "refused": str(error)}
            return {"operation": operation, "tasks": _by_unit(juju, ids)}

    def exec(
        self,
        command: str,
        units: Sequence[str],
        applications: Sequence[str],
        machines: Sequence[str],
        everywhere: bool,
        timeout_seconds: float,
    ) -> dict[str, Any]:
        """Queue a command on units, and start it on machines: `tasks` by unit or machine."""
        with self._store.changing() as juju:
            operation = str(juju.state.counters.task + 1)
            if everywhere:
                machines = list(juju.state.machines)
            _check_targets(juju, machines, applications)
            of_apps = [u.name for u in juju.state.units.values() if u.app in applications]
            now = self._store.now()
            ids = [juju.exec_command(now, unit, command) for unit in [*units, *of_apps]]
            tasks = _by_unit(juju, ids)
            for machine in machines:
                tasks[machine] = self._start_on_machine(juju, machine, command, timeout_seconds)
        if not tasks:
            raise JujuError("no target specified")
        return {"operation": operation, "tasks": tasks}

    def wait_tasks(self, tasks: Sequence[str], wait: float) -> dict[str, Any]:
        """Wait for tasks, at most `wait` seconds: those `finished` by id, and the `unfinished`."""

        def all_ended(juju: Juju) -> dict[str, Task] | None:
            states = {task: self._task(juju, task) for task in tasks}
            ended = {task: state for task, state in states.items() if state.status in _ENDED}
            return ended if len(ended) == len(tasks) else None

        self._store.wait_until(all_ended, wait)
        with self._store.looking() as juju:
            states = [self._task(juju, task) for task in tasks]
            finished = {state.id: task_json(state) for state in states if state.status in _ENDED}
        return {
            "finished": finished,
            "unfinished": [task for task in tasks if task not in finished],
        }

    def _task(self, juju: Juju, task: str) -> Task:
        state = juju.state.tasks.get(task) or self._machine_tasks.get(task)
        if state is None:
            raise JujuError(f'task "{task}" not found')
        return state

    def _start_on_machine(self, juju: Juju, machine: str, command: str, timeout: float) -> str:
        juju.state.counters.task += 2
        number = juju.state.counters.task
        now = self._store.now()
        task = Task(
            id=str(number),
            operation=str(number - 1),
            unit=machine,
            kind="exec",
            name="juju-exec",
            params={"command": command},
            enqueued=now,
            started=now,
        )
        self._machine_tasks[task.id] = task
        threading.Thread(target=self._run_on_machine, args=(task, timeout), daemon=True).start()
        return task.id

    def _run_on_machine(self, task: Task, timeout: float) -> None:
        host = self._store.host(task.unit)
        try:
            completed = host.run(host.user_shell(task.params["command"]), timeout=timeout)
            task.results = {"return-code": completed.returncode}
            task.results |= {"stdout": completed.stdout} if completed.stdout else {}
            task.results |= {"stderr": completed.stderr} if completed.stderr else {}
        except (MachineError, subprocess.TimeoutExpired) as error:
            task.message = str(error)
        task.completed = self._store.now()
        task.status = "failed" if task.message else "completed"
        self._store.wake()


def _check_targets(juju: Juju, machines: Sequence[str], applications: Sequence[str]) -> None:
    """Raises JujuError for a machine or an application that is not there."""
    for machine in machines:
        if machine not in juju.state.machines:
            raise JujuError(f"machine {machine} not found")
    for app in applications:
        if app not in juju.state.applications:
            raise JujuError(f'application "{app}" not found')


def _by_unit(juju: Juju, ids: Sequence[str]) -> dict[str, str]:
    return {juju.state.tasks[task].unit: task for task in ids}
