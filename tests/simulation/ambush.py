# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Events in the middle of a step, whenever that step happens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace

from act.step import HANDLERS
from steps.plan import Step
from tests.simulation.engine import Engine
from tests.simulation.schedule import ACTOR, Happening
from tests.simulation.tasks import Task

STEPS = frozenset(step.__name__ for step in HANDLERS)
"""The names of the charm's steps."""


class Ambush:
    """Counts the steps of all units and calls `happen` for the events that wait for one of them.

    Raises ValueError for an event that waits for something else: it would never happen.
    """

    def __init__(
        self, engine: Engine, waiting: Iterable[Happening], happen: Callable[[Happening], None]
    ) -> None:
        self._engine = engine
        self._happen = happen
        self._waiting: dict[tuple[str, int], list[Happening]] = {}
        for happening in waiting:
            if happening.on not in STEPS:
                raise ValueError(f"the charm has no step {happening.on}")
            self._waiting.setdefault((happening.on, happening.nth), []).append(happening)
        self._seen: Counter[str] = Counter()
        engine.on_step.append(self._step)

    def _step(self, task: Task, step: Step) -> None:
        kind = type(step).__name__
        for happening in self._waiting.get((kind, self._seen[kind]), ()):
            who = task.unit if happening.name == ACTOR else happening.name
            self._engine.later(happening.at, self._happen, replace(happening, name=who))
        self._seen[kind] += 1
