# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""What was on dead members that were removed: kept until acknowledged.

The record is in LXD's database, so that every member can read and clear it. It is written before
the member is removed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from values.status import Status, blocked

LOG = "lost."
"""A note for each removed member that held something."""
OLDER = "lost"
"""An older charm's single note for all removed members."""


def read(notes: Mapping[str, str]) -> dict[str, list[str]]:
    """By member, the instances and volumes that were lost with it."""
    records = {
        name.removeprefix(LOG): _names(value)
        for name, value in notes.items()
        if name.startswith(LOG)
    }
    return {member: lost for member, lost in records.items() if lost}


def added(notes: Mapping[str, str], member: str, lost: Iterable[str]) -> dict[str, str]:
    """The note that also records `lost`. Empty if there is nothing to record."""
    all_lost = {*read(notes).get(member, ()), *lost}
    return {LOG + member: _text(all_lost)} if all_lost else {}


def forgotten(notes: Mapping[str, str], name: str) -> dict[str, str]:
    """The changed notes without a member, or without one instance or volume, called `name`."""
    changes: dict[str, str] = {}
    for member, lost in read(notes).items():
        remaining = [] if member == name else [entry for entry in lost if entry != name]
        if remaining != lost:
            changes[LOG + member] = _text(remaining)
    return changes


def migrated(value: str) -> dict[str, str]:
    """The notes with the content of an older charm's single note."""
    try:
        members: dict[str, list[str]] = json.loads(value)
        return {LOG + member: _text(lost) for member, lost in members.items() if lost}
    except (ValueError, TypeError, AttributeError):
        return {}  # It is not a note of the charm.


def status(notes: Mapping[str, str]) -> Status | None:
    """Blocked while something lost is not acknowledged."""
    for member, lost in sorted(read(notes).items()):
        more = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
        return blocked(f"lost with {member}: {lost[0]}{more}; run forget-lost name={member}")
    return None


def _names(value: str) -> list[str]:
    try:
        return sorted(map(str, json.loads(value)))
    except (ValueError, TypeError):
        return []  # It is not a note of the charm.


def _text(lost: Iterable[str]) -> str:
    names = sorted(lost)
    return json.dumps(names) if names else ""
