# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The type of a fault, and how a fault is tried."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import jubilant

from tests.chaos.ground import Ground

NOTHING = 0
"""For a fault that deploys by itself, on a model without machines."""


@dataclass(frozen=True)
class Fault:
    """A kind of fault.

    `run` makes it happen and checks what must be seen meanwhile. If the operator has to help, it
    does what the status says. It raises AssertionError if the end differs.
    """

    name: str
    breaks: str
    ends: str
    members: int
    """The number of healthy members before the fault; NOTHING if there must be none."""
    run: Callable[[Ground], None]


@dataclass(frozen=True)
class Verdict:
    """How a fault ended. `seconds` are those from the fault until everything was healthy."""

    fault: Fault
    seconds: float
    problem: str

    @property
    def passed(self) -> bool:
        """Whether it ended as expected."""
        return not self.problem


def try_fault(fault: Fault, ground: Ground) -> Verdict:
    """Makes the fault happen on a healthy cluster and waits until it is healthy again."""
    began = time.monotonic()
    try:
        ground.prepare(fault.members)
        began = time.monotonic()
        fault.run(ground)
        ground.healed()
    except (AssertionError, jubilant.CLIError, jubilant.TaskError, TimeoutError) as error:
        problem = "; ".join([_words(error), *ground.ailing()])
        return Verdict(fault, time.monotonic() - began, problem)
    return Verdict(fault, time.monotonic() - began, "")


def _words(error: Exception) -> str:
    """The error as one line."""
    text = error.stderr if isinstance(error, jubilant.CLIError) else str(error)
    lines = [line for line in text.strip().splitlines() if line] or [type(error).__name__]
    return lines[0][:200]
