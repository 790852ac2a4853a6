# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A plan, and what its steps have in common. The other files here have the steps, by topic."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import takewhile

from state.peers import AppData, UnitData
from values.status import Status


class Step(ABC):
    """What must be true afterwards.

    A step is idempotent: executing it twice, or again after an interruption, has the same result.
    """

    @abstractmethod
    def __str__(self) -> str:
        """What is done, as words that can follow "could not"."""


@dataclass(frozen=True)
class Plan:
    """What to do now, in order, and what to publish: for the operator, the peers, the application.

    `own` and `app` are the whole wanted content of the databags, None if nothing may be written.
    `hold` says completely why a leaving unit must not go, empty if it may. `groups` are those of
    the steps that do not need each other: if one fails, the rest of its group is not tried, and
    everything else is still done.
    """

    status: Status
    steps: tuple[Step, ...] = ()
    own: UnitData | None = None
    app: AppData | None = None
    app_status: Status | None = None
    hold: str = ""
    groups: tuple[tuple[Step, ...], ...] = ()


def untried(
    groups: Iterable[Iterable[Step]], failed: Collection[str]
) -> tuple[tuple[Step, ...], ...]:
    """Each group up to the first step that failed in this run, in its words. None is empty."""
    parts = (tuple(takewhile(lambda step: str(step) not in failed, group)) for group in groups)
    return tuple(part for part in parts if part)
