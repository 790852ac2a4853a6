# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Instances that ran on a member that left or died, that are elsewhere now, and that do not run.

A note for each such member, in LXD's database. The application's status names an instance until it
runs, is gone, or somebody acknowledges it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from state.lxd_objects import Instance
from values.status import Status, blocked

LOG = "not-running."
DEAD = "dead"
"""Replaces LXD's reason: it was on a dead machine, and the charm has not tried to start it."""


def read(notes: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """By member, and by instance that ran there: why it does not run."""
    found = {k.removeprefix(LOG): _reasons(v) for k, v in notes.items() if k.startswith(LOG)}
    return {member: reasons for member, reasons in found.items() if reasons}


def added(notes: Mapping[str, str], member: str, instance: str, why: str) -> dict[str, str]:
    """The note that also names this instance."""
    return _written(member, {**read(notes).get(member, {}), instance: why})


def of_dead(notes: Mapping[str, str]) -> frozenset[str]:
    """The instances that may still run on a dead machine."""
    return frozenset(
        instance
        for reasons in read(notes).values()
        for instance, why in reasons.items()
        if why == DEAD
    )


def without(notes: Mapping[str, str], member: str, instance: str) -> dict[str, str]:
    """The notes without an instance that ran on this member. Empty if it is not in them."""
    return _without(notes, {(member, instance)})


def forgotten(notes: Mapping[str, str], name: str) -> dict[str, str]:
    """The notes without a member, or without one instance. Empty if `name` is not in them."""
    return _without(
        notes,
        {
            (member, instance)
            for member, reasons in read(notes).items()
            for instance in reasons
            if name in (member, instance)
        },
    )


def outdated(notes: Mapping[str, str], instances: Iterable[Instance]) -> dict[str, str]:
    """The changed notes, without instances that run or are gone."""
    stopped = {str(i) for i in instances if not i.running}
    return _without(
        notes,
        {
            (member, instance)
            for member, reasons in read(notes).items()
            for instance in reasons
            if instance not in stopped
        },
    )


def status(notes: Mapping[str, str]) -> Status | None:
    """Blocked while an instance is named."""
    for member, reasons in sorted(read(notes).items()):
        instance, why = min(reasons.items())
        more = f" and {len(reasons) - 1} more" if len(reasons) > 1 else ""
        if why == DEAD:
            return blocked(f"start {instance}{more} if {member} is off, or run forget-lost")
        return blocked(
            f"{instance}{more} does not start: start it, or run forget-lost name={member}"
        )
    return None


def _without(notes: Mapping[str, str], named: set[tuple[str, str]]) -> dict[str, str]:
    changes: dict[str, str] = {}
    for member, reasons in read(notes).items():
        left = {i: why for i, why in reasons.items() if (member, i) not in named}
        if left != reasons:
            changes |= _written(member, left)
    return changes


def _written(member: str, reasons: Mapping[str, str]) -> dict[str, str]:
    return {LOG + member: json.dumps(reasons, sort_keys=True) if reasons else ""}


def _reasons(value: str) -> dict[str, str]:
    try:
        found: dict[str, str] = json.loads(value)
        return {str(instance): str(why) for instance, why in found.items()}
    except (ValueError, TypeError, AttributeError):
        return {}  # It is not a note of the charm.
