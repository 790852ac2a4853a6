# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A running hook, and how it may end."""

from __future__ import annotations

from collections.abc import Callable

import ops
from greenlet import greenlet

from hooks.holds import CannotDetach, CannotLeave
from lab.model.errors import HookToolError
from steps.plan import Step
from tests.simulation.stage import Stage

EXPECTED = (HookToolError, ops.ModelError, ops.hookcmds.Error)
"""The errors of a hook whose unit or leadership goes while it runs."""


CRASHES = "the charm crashes"


class Killed(BaseException):
    """A hook's process was killed at this point."""


class Violation(BaseException):
    """Something happened that must never happen."""

    def __init__(self, invariant: str, detail: str) -> None:
        super().__init__(f"{invariant}: {detail}")
        self.invariant = invariant


class Task(greenlet):
    """A running hook, or an operator's command that takes time."""

    def __init__(self, unit: str, machine: str, run: Callable[[], None], parent: greenlet) -> None:
        super().__init__(run, parent)
        self.unit = unit
        self.machine = machine
        self.stage: Stage | None = None
        self.killed = False
        self.kill_in = -1
        """The number of pauses until it is killed; negative: never."""
        self.commit_fault = ""
        self.step: Step | None = None


def is_deliberate(error: Exception) -> bool:
    """Whether the charm raised this to put its unit into error, with a message for the operator."""
    return isinstance(error, CannotLeave | CannotDetach)
