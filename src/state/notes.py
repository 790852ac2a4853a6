"""The charm's notes in LXD's database: their names, and the entries of a log."""

from __future__ import annotations

from collections.abc import Mapping

PROJECT = "lxd-cluster"
IDENTITY = "identity"
"""The note that tells this cluster from every other."""
WROTE = "wrote."
"""How notes begin that tell what the charm wrote under a key of the server: the rest is others'."""


def entries_of(log: str, notes: Mapping[str, str]) -> dict[int, str]:
    """A log's entries by number."""
    numbers = {name: name.removeprefix(log) for name in notes if name.startswith(log)}
    return {int(number): notes[name] for name, number in numbers.items() if number.isdigit()}
