"""Whose turn it is to join, as it stands in LXD's database.

Who makes tokens follows from who is up, and two members may see that differently for a moment.
The turn is one for all: it changes only for whoever knows what it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from state.cluster import ClusterView
from state.notes import entries_of
from state.peers import QueueEntry, UnitData
from steps.forming import PassTurn

LOG = "turn."
"""The log whose last entry is the turn."""
NOBODY = "-"
OLDER = "turn"
"""The one note of an older charm, which kept no log."""


@dataclass(frozen=True)
class Turn:
    """A unit may join as the member `name`, for one attempt."""

    unit: str
    attempt: int
    name: str

    def __str__(self) -> str:
        return f"{self.unit} {self.attempt} {self.name}"


def read(notes: Mapping[str, str]) -> Turn | None:
    """The turn that is on record, None if there is none."""
    entries = entries_of(LOG, notes)
    words = (entries[max(entries)] if entries else "").split()
    if len(words) < 3 or not words[1].isdigit():
        return None
    return Turn(words[0], int(words[1]), words[2])


def is_over(turn: Turn, lxd: ClusterView, data: UnitData | None) -> bool:
    """Whether its unit has joined, or has said that it could not."""
    if lxd.member(turn.name) is not None:
        return True
    return data is not None and (bool(data.cluster) or data.attempt > turn.attempt)


def ended(unit: str, lxd: ClusterView) -> tuple[PassTurn, ...]:
    """A member says that its own turn is over: it has joined, and may be gone soon."""
    turn = read(lxd.notes)
    return (cleared(lxd),) if turn is not None and turn.unit == unit else ()


def passed(lxd: ClusterView, entry: QueueEntry, name: str) -> PassTurn:
    """The turn goes on to a unit, if it is still as it is seen here."""
    turn = Turn(entry.unit, entry.attempt, name)
    return PassTurn(LOG, _next(lxd), f"{turn} {lxd.server.name}", entry.unit)


def cleared(lxd: ClusterView) -> PassTurn:
    """The turn is nobody's."""
    return PassTurn(LOG, _next(lxd), f"{NOBODY} {lxd.server.name}", "")


def _next(lxd: ClusterView) -> int:
    return max(entries_of(LOG, lxd.notes), default=0) + 1
