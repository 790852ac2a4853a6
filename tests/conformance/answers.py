# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The answers of both sides, in a form for comparison."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from lxd.errors import LxdError, LxdStopped, LxdUnreachable
from state.cluster import Member
from tests.conformance.side import MACHINES, Side

_NO_DATABASE = (
    "context deadline exceeded",
    "no available dqlite leader server found",
    "RAFT cluster is unavailable",
)
"""The ends of LXD's errors when its database does not answer. Some come later than the charm waits.
"""

Clock = Callable[[], float]


@dataclass(frozen=True)
class Answer:
    """One line of a history. `detail` and `seconds` are for readers; they are not compared."""

    question: str
    answer: str
    detail: str = ""
    seconds: float = 0.0


@dataclass
class Transcript:
    """A history's questions and the answers of one side."""

    side: Side
    clock: Clock
    lines: list[Answer] = field(default_factory=list[Answer])

    def ask(self, question: str, call: Callable[[], Any]) -> None:
        """Notes a value, or the kind of error."""
        began = self.clock()
        detail = ""
        try:
            answer = self._plain(str(call()))
        except LxdStopped:
            answer = "stopped"
        except LxdUnreachable as error:
            answer, detail = "silent", str(error)
        except LxdError as error:
            detail = str(error)
            answer = "silent" if detail.endswith(_NO_DATABASE) else "refused"
        self.lines.append(Answer(question, answer, self._plain(detail), self.clock() - began))

    def chance(self, question: str, call: Callable[[], Any], *fair: str) -> None:
        """Notes whether the answer is one of several random ones: LXD gives different answers."""
        self.ask(question, call)
        line = self.lines[-1]
        if line.answer in fair:
            detail = f"{line.answer} {line.detail}".strip()
            self.lines[-1] = replace(line, answer=" or ".join(fair), detail=detail)

    def _plain(self, text: str) -> str:
        for machine in MACHINES:
            text = text.replace(self.side.hostname(machine), machine)
            text = text.replace(self.side.endpoint(machine), f"{machine}:8443")
        return text

    def broke(self, error: Exception) -> None:
        """Notes that the history itself could not continue."""
        self.lines.append(Answer("the history", "broke", repr(error)))


def statuses(side: Side, machine: str) -> str:
    """The members and their statuses, as LXD there sees them."""
    letters = {side.hostname(m): m for m in MACHINES}
    members = side.lxd(machine).members.list()
    return ", ".join(sorted(f"{letters.get(m.name, m.name)} {m.status}" for m in members))


def roles(side: Side, machine: str) -> str:
    """The number of members in each role. LXD chooses the members freely."""
    counts = Counter(_role(m) for m in side.lxd(machine).members.list())
    return ", ".join(f"{n} {role}" for role, n in sorted(counts.items()))


def count(side: Side, machine: str) -> int:
    """The number of members, as LXD there sees it."""
    return len(side.lxd(machine).members.list())


def leader(side: Side, machine: str) -> str:
    """The machine of the database's Raft leader. LXD chooses it freely."""
    members = side.lxd(machine).members.list()
    name = next(m.name for m in members if "database-leader" in m.roles)
    return next(m for m in MACHINES if side.hostname(m) == name)


def _role(member: Member) -> str:
    if member.voter:
        return "voter"
    return "stand-by" if "database-standby" in member.roles else "spare"


def differences(one: Transcript, other: Transcript) -> list[str]:
    """The differences between two transcripts of one history, a line each."""
    found: list[str] = []
    for mine, theirs in zip(one.lines, other.lines, strict=False):
        if (mine.question, mine.answer) != (theirs.question, theirs.answer):
            found.append(
                f"{mine.question}: {mine.answer} ({mine.detail}), "
                f"but {theirs.question}: {theirs.answer} ({theirs.detail})"
            )
    if len(one.lines) != len(other.lines):
        found.append(f"{len(one.lines)} answers, but {len(other.lines)}")
    return found
