"""What was on members that were removed because they were dead: kept until acknowledged.

The record is in LXD's database. So it is as safe as the cluster, every member
can read and clear it, and it is there before the member is gone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from status import Status, blocked

KEY = "user.lxd-cluster.lost"


def read(notes: Mapping[str, str]) -> dict[str, list[str]]:
    """By member, the instances and volumes that went with it."""
    try:
        found: dict[str, list[str]] = json.loads(notes.get(KEY) or "{}")
        return {member: list(things) for member, things in found.items() if things}
    except (ValueError, TypeError, AttributeError):
        return {}  # Somebody else wrote there.


def added(notes: Mapping[str, str], member: str, things: Iterable[str]) -> dict[str, str]:
    """The notes that record `things` too. Empty if there is nothing to record."""
    before = read(notes)
    all_things = sorted({*before.get(member, ()), *things})
    return _written({**before, member: all_things}) if all_things else {}


def forgotten(notes: Mapping[str, str], name: str) -> dict[str, str]:
    """The notes without a member, or without one thing. Empty if `name` is not in it."""
    before = read(notes)
    after = {
        member: [thing for thing in things if thing != name]
        for member, things in before.items()
        if member != name
    }
    after = {member: things for member, things in after.items() if things}
    return _written(after) if after != before else {}


def status(notes: Mapping[str, str]) -> Status | None:
    """Blocked while something lost is not acknowledged."""
    for member, things in sorted(read(notes).items()):
        more = f" and {len(things) - 1} more" if len(things) > 1 else ""
        return blocked(f"lost with {member}: {things[0]}{more}; run forget-lost name={member}")
    return None


def _written(lost: Mapping[str, list[str]]) -> dict[str, str]:
    return {KEY: json.dumps(lost, sort_keys=True) if lost else ""}
