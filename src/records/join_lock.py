# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The join lock in LXD's database: which unit may join now.

Which member is the token issuer depends on which members are up, and two members may see that
differently for a moment. There is one lock for all: only a member that knows its current value can
change it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from state.cluster import ClusterView
from state.notes import entries_of
from state.peers import QueueEntry, UnitData
from steps.forming import SetJoinLock
from values.numbers import whole

LOG = "turn."
"""The log whose last entry is the join lock."""
NOBODY = "-"
OLDER = "turn"
"""The single note of an older charm, which kept no log."""


@dataclass(frozen=True)
class JoinLock:
    """A unit may join as the member `name`, for one attempt."""

    unit: str
    attempt: int
    name: str

    def __str__(self) -> str:
        return f"{self.unit} {self.attempt} {self.name}"


def read(notes: Mapping[str, str]) -> JoinLock | None:
    """The join lock, None if no unit has it."""
    entries = entries_of(LOG, notes)
    words = (entries[max(entries)] if entries else "").split()
    attempt = whole(words[1]) if len(words) > 2 else None
    return None if attempt is None else JoinLock(words[0], attempt, words[2])


def is_over(lock: JoinLock, lxd: ClusterView, data: UnitData | None) -> bool:
    """Whether the lock's unit has joined, or has reported that its join failed."""
    if lxd.member(lock.name) is not None:
        return True
    return data is not None and (bool(data.cluster) or data.attempt > lock.attempt)


def ended(unit: str, lxd: ClusterView) -> tuple[SetJoinLock, ...]:
    """Releases the lock that this member had: it has joined, and may be gone soon."""
    lock = read(lxd.notes)
    return (released(lxd),) if lock is not None and lock.unit == unit else ()


def granted(lxd: ClusterView, entry: QueueEntry, name: str) -> SetJoinLock:
    """Gives the join lock to a unit, if no other member changes the lock first."""
    lock = JoinLock(entry.unit, entry.attempt, name)
    return SetJoinLock(LOG, _next(lxd), f"{lock} {lxd.server.name}", entry.unit)


def released(lxd: ClusterView) -> SetJoinLock:
    """Releases the lock: then no unit has it."""
    return SetJoinLock(LOG, _next(lxd), f"{NOBODY} {lxd.server.name}", "")


def _next(lxd: ClusterView) -> int:
    return max(entries_of(LOG, lxd.notes), default=0) + 1
