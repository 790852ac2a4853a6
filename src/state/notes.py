# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The charm's notes in LXD's database: their names, and the entries of a log."""

from __future__ import annotations

from collections.abc import Mapping

from values.numbers import whole

PROJECT = "lxd-cluster"
IDENTITY = "identity"
"""The note that identifies this cluster."""
WROTE = "wrote."
"""The prefix of notes about the charm's values of the server's keys: other values are not the
charm's.
"""


def entries_of(log: str, notes: Mapping[str, str]) -> dict[int, str]:
    """A log's entries by number."""
    numbers = {name: whole(name.removeprefix(log)) for name in notes if name.startswith(log)}
    return {number: notes[name] for name, number in numbers.items() if number is not None}
