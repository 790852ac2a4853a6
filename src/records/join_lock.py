"""The join lock in LXD's database: which unit may join now.

The token issuer follows from which members are up, and two members may see that differently for a
moment. There is one lock for all: only a member that knows its current value can change it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from state.cluster import Lxd
from state.notes import entries_of
from state.peers import Place, UnitData
from steps.forming import PassTurn

LOG = "turn."
"""The log whose last entry is the turn."""
NOBODY = "-"
OLDER = "turn"
"""The single note of an older charm, which kept no log."""


@dataclass(frozen=True)
class Turn:
    """A unit may join as the member `name`, for one attempt."""

    unit: str
    attempt: int
    name: str

    def __str__(self) -> str:
        return f"{self.unit} {self.attempt} {self.name}"


def read(notes: Mapping[str, str]) -> Turn | None:
    """The turn on record, None if there is none."""
    entries = entries_of(LOG, notes)
    words = (entries[max(entries)] if entries else "").split()
    if len(words) < 3 or not words[1].isdigit():
        return None
    return Turn(words[0], int(words[1]), words[2])


def is_over(turn: Turn, lxd: Lxd, data: UnitData | None) -> bool:
    """Whether its unit has joined, or has said that it could not."""
    if lxd.member(turn.name) is not None:
        return True
    return data is not None and (bool(data.cluster) or data.attempt > turn.attempt)


def ended(unit: str, lxd: Lxd) -> tuple[PassTurn, ...]:
    """A member says that its own turn is over: it has joined, and may be gone soon."""
    turn = read(lxd.notes)
    return (cleared(lxd),) if turn is not None and turn.unit == unit else ()


def passed(lxd: Lxd, place: Place, name: str) -> PassTurn:
    """Passes the turn to a unit, if the record is still as it was seen here."""
    turn = Turn(place.unit, place.attempt, name)
    return PassTurn(LOG, _next(lxd), f"{turn} {lxd.server.name}", place.unit)


def cleared(lxd: Lxd) -> PassTurn:
    """No unit has the turn."""
    return PassTurn(LOG, _next(lxd), f"{NOBODY} {lxd.server.name}", "")


def _next(lxd: Lxd) -> int:
    return max(entries_of(LOG, lxd.notes), default=0) + 1
