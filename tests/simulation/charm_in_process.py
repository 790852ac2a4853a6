# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The unchanged charm, including `charm.py`, on hook tools that call the model of Juju.

ops' work between a charm and Juju's hook tools takes as long as everything else. Here a few small
objects replace it: they have only what the charm uses of ops. Every tenth seed runs on the real
ops, see `charm_in_ops`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import ops

import charm
from act import step
from hooks import input_reader, reading
from options.options import Options
from ports.ports import Ports
from state.view import RunHistory
from steps.plan import Step
from tests.simulation.hook_commands import HookCommands
from tests.simulation.ops_events import CollectedStatuses, make_event
from tests.simulation.ops_model import EventNames, Framework, Model
from tests.simulation.stage import ENVIRONMENT, Stage, current, set_stage


class _WithoutOps(ops.CharmBase):
    """Comes after the charm in its bases, so that the charm's own __init__ ends here."""

    on = EventNames()  # pyright: ignore[reportAssignmentType]

    def __init__(self, framework: Framework) -> None:
        self.framework = framework  # pyright: ignore[reportAttributeAccessIssue]
        self.handle = ops.Handle(None, "Charm", None)


class CharmInProcess(charm.LxdClusterCharm, _WithoutOps):
    """The charm; all its own methods are the real ones."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        super().__init__(Framework(Model(stage)))  # pyright: ignore[reportArgumentType]

    def load_config(self, cls: Any, *args: Any, **more: Any) -> Any:
        """As ops.CharmBase."""
        values = self.stage.context.config_get()
        return options(values) if cls is Options else cls(*args, **more)


_OPTIONS: dict[tuple[object, ...], Options] = {}


def options(values: Mapping[str, Any]) -> Options:
    """The options of a configuration; a valid configuration is not checked again."""
    # True and 1 are equal for a dictionary, but their types differ.
    key = (*values.items(), *map(type, values.values()))
    found = _OPTIONS.get(key)
    if found is None:
        more = {name.replace("-", "_"): value for name, value in sorted(values.items())}
        found = _OPTIONS[key] = Options(**more)
    return found


def run_hook(stage: Stage) -> None:
    """Runs the charm for the stage's hook, until its end or its exception."""
    set_stage(stage)
    the_charm = CharmInProcess(stage)
    framework: Any = the_charm.framework
    run = stage.context.run
    name = f"{run.name}-action" if run.kind == "action" else run.name
    try:
        for handler in framework.handlers(name):
            handler(make_event(stage, run))
        _show_statuses(the_charm, framework)
    finally:
        # The charm and what it has refer to each other: only a garbage collection would free them.
        vars(the_charm).clear()


def _show_statuses(the_charm: CharmInProcess, framework: Framework) -> None:
    collections: list[tuple[str, Any]] = [("collect-unit-status", the_charm.unit)]
    if the_charm.unit.is_leader():
        collections.insert(0, ("collect-app-status", the_charm.app))
    for name, whose in collections:
        collected = CollectedStatuses()
        for handler in framework.handlers(name):
            handler(collected)
        if collected.statuses:
            gravest: Any = ops.StatusBase._get_highest_priority  # pyright: ignore[reportPrivateUsage]
            whose.status = gravest(collected.statuses)


def install() -> None:
    """Puts the model's world into `charm` for the lifetime of this process."""
    logging.getLogger().setLevel = lambda _: None  # pyright: ignore[reportAttributeAccessIssue]
    input_reader.hookcmds = HookCommands  # pyright: ignore[reportPrivateImportUsage, reportAttributeAccessIssue]
    input_reader.os = SimpleNamespace(environ=ENVIRONMENT)  # pyright: ignore[reportAttributeAccessIssue]
    reading.hookcmds = HookCommands  # pyright: ignore[reportPrivateImportUsage, reportAttributeAccessIssue]
    charm.time = SimpleNamespace(time=_clock)  # pyright: ignore[reportAttributeAccessIssue]
    for name in ("LxdSocket", "Machine", "Database"):
        if hasattr(charm, name):
            setattr(charm, name, lambda name=name: current().world[name])
    charm.snap.Snap = _snap  # pyright: ignore[reportAttributeAccessIssue]
    step.act = _act


def _clock() -> float:
    return current().clock()


def _snap() -> Any:
    return current().world["Snap"]


_REAL_ACT = step.act


def _act(step: Step, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    current().on_step(step)
    return _REAL_ACT(step, unit, ports, history)
