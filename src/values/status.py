# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Statuses as values, and every message of the charm, in one place for comparison."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from values import error_messages

STATUS_LIMIT = 79
"""Characters of a status message that `juju status` shows on a usual terminal."""

StatusText: TypeAlias = str
"""Words of a status, from a function that leaves it to others to make the status.

The table of statuses must have them.
"""


class Kind(str, Enum):
    """What an operator must do about a status."""

    ACTIVE = "active"
    WAITING = "waiting"
    BLOCKED = "blocked"


@dataclass(frozen=True)
class Status:
    """One line for `juju status`."""

    kind: Kind
    message: str

    def __str__(self) -> str:
        return f"{self.kind.value}: {self.message}"


def active(message: str) -> Status:
    """Everything is healthy."""
    return Status(Kind.ACTIVE, _fit(message))


def waiting(message: str) -> Status:
    """The unit continues by itself."""
    return Status(Kind.WAITING, _fit(message))


def blocked(message: str) -> Status:
    """Only the operator can help, and the message says how."""
    return Status(Kind.BLOCKED, _fit(message))


def names(words: Iterable[str]) -> str:
    """At most three names, and the number of the rest."""
    sorted_words = sorted(words)
    return ", ".join(sorted_words[:3]) + (
        f" and {len(sorted_words) - 3} more" if len(sorted_words) > 3 else ""
    )


def count(number: int, noun: str) -> str:
    """`1 member`, `3 members`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _fit(message: str) -> str:
    return error_messages.fit(message, STATUS_LIMIT)
