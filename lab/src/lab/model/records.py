# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The history: the log of hooks and the lines of `juju debug-log`."""

from __future__ import annotations

from typing import TypeVar

from lab.model.hooks import HookOutcome
from lab.model.state import HookRecord, LogLine, Running, State

_KEPT = 10_000
"""The minimum number of entries that are kept."""

_Entry = TypeVar("_Entry")


def _append(entries: list[_Entry], entry: _Entry) -> None:
    entries.append(entry)
    if len(entries) > 2 * _KEPT:
        del entries[:-_KEPT]


def log(state: State, now: float, entity: str, level: str, module: str, message: str) -> None:
    """Add a line to the model's log."""
    _append(state.log, LogLine(now, entity, level, module, message))


def hook_ended(
    state: State, now: float, running: Running, outcome: HookOutcome, message: str = ""
) -> None:
    """Record that a hook has ended, and log it as the unit's agent does."""
    run = running.run
    _append(state.history, HookRecord(run, running.started, now, outcome, message))
    subject = f'"{run.name}" hook' if run.kind not in ("action", "exec") else f"task {run.task_id}"
    if outcome == "committed":
        log(state, now, run.unit, "INFO", "juju.worker.uniter.operation", f"ran {subject}")
    else:
        text = f"{subject} {outcome}: {message}" if message else f"{subject} {outcome}"
        log(state, now, run.unit, "ERROR", "juju.worker.uniter.operation", text)
