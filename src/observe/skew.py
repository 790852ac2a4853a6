# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A clock that differs from the Raft leader's: LXD calls members offline that are not.

The Raft leader notes each heartbeat by its own clock, and each member compares that with its own
(nodeIsOffline in db/node.go of 5.0 to 6.9). A member that is ahead by more than the offline
threshold calls all members offline, also itself. The other members do not see that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from state.cluster import Member

_HEARTBEAT = re.compile(r"No heartbeat for .*\((\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)")
"""LXD's message about an offline member, with the time of its last heartbeat in UTC."""


def corrected(
    members: tuple[Member, ...], before: Iterable[Member], own: str
) -> tuple[tuple[Member, ...], bool]:
    """The members as they are, and whether the clock here is ahead.

    `before` is an earlier list, after which LXD called them offline without a break. Heartbeats
    that still arrive show that a member is online. The member `own` stays offline: its LXD refuses
    what needs the others.
    """
    earlier = {m.name: _heartbeat(m) for m in before}
    alive = {m.name for m in members if _heartbeat(m) > earlier.get(m.name, 0.0) > 0.0}
    if own not in alive:
        return members, False
    others = alive - {own}
    return tuple(_online(m) if m.name in others else m for m in members), True


def _online(member: Member) -> Member:
    return replace(member, status="ONLINE", message="")


def _heartbeat(member: Member) -> float:
    """The time of an offline member's last heartbeat, in seconds since the epoch; else 0."""
    found = _HEARTBEAT.match(member.message) if member.offline else None
    if found is None:
        return 0.0
    return datetime.fromisoformat(f"{found[1]}+00:00").timestamp()
