# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""What was on dead members that were removed: kept until acknowledged.

The record is in LXD's database. So it is as safe as the cluster, every member can read and clear
it, and it is written before the member is removed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from values.status import Status, blocked

LOG = "lost."
"""A note for each removed member that held something."""
OLDER = "lost"
"""The single note for all of them of an older charm."""


def read(notes: Mapping[str, str]) -> dict[str, list[str]]:
    """By member, the instances and volumes that were lost with it."""
    records = {
        name.removeprefix(LOG): _names(value)
        for name, value in notes.items()
        if name.startswith(LOG)
    }
    return {member: things for member, things in records.items() if things}


def added(notes: Mapping[str, str], member: str, things: Iterable[str]) -> dict[str, str]:
    """The note that also records `things`. Empty if there is nothing to record."""
    all_things = {*read(notes).get(member, ()), *things}
    return {LOG + member: _text(all_things)} if all_things else {}


def forgotten(notes: Mapping[str, str], name: str) -> dict[str, str]:
    """The notes without a member, or without one thing. Empty if `name` is not in them."""
    changes: dict[str, str] = {}
    for member, things in read(notes).items():
        left = [] if member == name else [thing for thing in things if thing != name]
        if left != things:
            changes[LOG + member] = _text(left)
    return changes


def migrated(value: str) -> dict[str, str]:
    """The notes with the content of an older charm's single note."""
    try:
        members: dict[str, list[str]] = json.loads(value)
        return {LOG + member: _text(things) for member, things in members.items() if things}
    except (ValueError, TypeError, AttributeError):
        return {}  # Somebody else wrote there.


def status(notes: Mapping[str, str]) -> Status | None:
    """Blocked while something lost is not acknowledged."""
    for member, things in sorted(read(notes).items()):
        more = f" and {len(things) - 1} more" if len(things) > 1 else ""
        return blocked(f"lost with {member}: {things[0]}{more}; run forget-lost name={member}")
    return None


def _names(value: str) -> list[str]:
    try:
        return sorted(map(str, json.loads(value)))
    except (ValueError, TypeError):
        return []  # Somebody else wrote there.


def _text(things: Iterable[str]) -> str:
    listed = sorted(things)
    return json.dumps(listed) if listed else ""
