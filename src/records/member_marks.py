# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Members' notes about themselves in LXD's database: that they leave, and what was observed.

A leaving unit can no longer publish anything to its peers and learns nothing new about them, and a
held unit may stay for days. The others must know that it leaves: it admits no unit and does no work
for the cluster.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import deadlines
from records import exchange, join_lock, member_units
from records.member_units import ADMITTED, OWNERS, UNIT, Record
from state.cluster import CLOSED, ClusterView, Member
from steps.server import WriteNotes
from values.numbers import whole

PREFIX = "leaving."
RAN = "ran."
"""Instances that a leaving member has stopped, to move them, and that must run again."""
UNMOVED = "unmoved."
"""Instances that no member took: the number of tries, and the reason."""
UNRESPONSIVE = "silent."
"""Since when a member that LXD calls evacuated does not answer, in seconds since the epoch."""
WITHOUT_HEARTBEATS = "quiet."
"""Since when a member is the Raft leader and sends no heartbeats, in seconds since the epoch."""
RELOADED = "reloaded."
"""When its daemon was reloaded for that, in seconds since the epoch."""
SEEN = "seen."
OF_OPERATOR = "kept."
_OBSERVED = (SEEN, OF_OPERATOR, UNRESPONSIVE, WITHOUT_HEARTBEATS, RELOADED, exchange.PREFIX)
"""Observations of a member, which do not count for a later member of its name."""
LEAVING = "leaving"
"""The mark of a member whose unit leaves."""
REMOVING = "going"
"""The mark of one that removes itself now."""


def leaving(lxd: ClusterView) -> frozenset[str]:
    """The names of marked members."""
    return frozenset(_marks(lxd))


def about_to_leave(lxd: ClusterView) -> frozenset[str]:
    """The names of marked members that will leave by themselves.

    A unit that was held may have been removed by force. Its member keeps running, and belongs to
    the operator.
    """
    return frozenset(name for name in leaving(lxd) if not lxd.notes.get(OF_OPERATOR + name))


def removed_first(member: Member, lxd: ClusterView) -> str:
    """The first by name of the other members that remove themselves now, empty if there is none.

    Members remove themselves one at a time, because each removal changes the voters. A member marks
    itself, reads the marks again, and goes only if no other member is marked. If two see each
    other's marks, the first by name keeps its mark and waits: the other one may already be removing
    itself, because it read the marks before this one was there.
    """
    removing = {
        name
        for name, mark in _marks(lxd).items()
        if mark == REMOVING
        and (other := lxd.member(name)) is not None
        and other.up
        # A member without a unit no longer removes itself.
        and name not in lxd.orphaned
        and not belongs_to_operator(other, lxd)
    }
    return min(removing - {member.name}, default="")


def is_removing(member: Member, lxd: ClusterView) -> bool:
    """Whether a member is marked as removing itself now."""
    return _marks(lxd).get(member.name) == REMOVING


def _marks(lxd: ClusterView) -> dict[str, str]:
    return _noted(PREFIX, lxd.notes)


def _noted(prefix: str, notes: Mapping[str, str]) -> dict[str, str]:
    """By member: its note with this prefix, if it has one."""
    return {k.removeprefix(prefix): v for k, v in notes.items() if k.startswith(prefix) and v}


def stopped(member: str, notes: Mapping[str, str]) -> dict[str, str]:
    """Instances that a member has stopped, to move them, each with the member that takes it.

    The target is empty if it is not known. An older charm notes only the instances, separated by
    commas, although names of projects may have commas.
    """
    text = notes.get(RAN + member, "")
    try:
        return {str(name): str(target) for name, target in json.loads(text).items()}
    except (ValueError, TypeError, AttributeError):
        return dict.fromkeys(filter(None, text.split(",")), "")


def members_with_stopped(notes: Mapping[str, str]) -> frozenset[str]:
    """The names under which members have noted instances that they stopped."""
    return frozenset(_noted(RAN, notes))


def with_stopped(member: str, instances: Mapping[str, str]) -> dict[str, str]:
    """The note about stopped instances: the hook or the machine may end before they run again."""
    return {RAN + member: json.dumps(instances, sort_keys=True) if instances else ""}


@dataclass(frozen=True)
class Unmoved:
    """The number of hooks that tried to move an instance, and why it did not work."""

    times: int
    why: str


def unmoved(member: str, notes: Mapping[str, str]) -> dict[str, Unmoved]:
    """By instance of a leaving member: the message that no other member took it."""
    try:
        rows: dict[str, tuple[int, str]] = json.loads(notes.get(UNMOVED + member) or "{}")
        return {name: Unmoved(int(times), str(why)) for name, (times, why) in rows.items()}
    except (ValueError, TypeError, AttributeError):
        return {}  # It is not a note of the charm.


def with_unmoved(
    member: str, reasons: Mapping[str, str], notes: Mapping[str, str]
) -> dict[str, str]:
    """The note that counts one more try for each of these instances, and forgets the others."""
    before = unmoved(member, notes)
    times = {name: before[name].times if name in before else 0 for name in reasons}
    counted = {name: (times[name] + 1, why) for name, why in sorted(reasons.items())}
    return {UNMOVED + member: json.dumps(counted)}


def serves(member: Member | None, lxd: ClusterView) -> bool:
    """Whether a member works for the cluster: it is up, evacuated or not, and stays.

    LXD also calls a dead member evacuated, so `Member.up` is true only if an evacuated one answers.
    """
    return member is not None and member.up and not lxd.notes.get(PREFIX + member.name)


def admitted(member: str, record: Record, notes: Mapping[str, str]) -> dict[str, str]:
    """The note that a unit may join as this member, without notes about an earlier one so named."""
    earlier = (PREFIX, RAN, UNMOVED, UNIT, *_OBSERVED)
    cleared = {prefix + member: "" for prefix in earlier if prefix + member in notes}
    return {**cleared, ADMITTED + member: str(record)}


def belongs_to_operator(member: Member, lxd: ClusterView) -> bool:
    """Whether a member kept running without its unit: it belongs to the operator."""
    return any(lxd.notes.get(OF_OPERATOR + name) for name in member_units.names(member, lxd))


def operators_members(members: Iterable[Member]) -> dict[str, str]:
    """Notes that these members belong to the operator, until a unit claims one as its own."""
    return {OF_OPERATOR + member.name: "yes" for member in members}


def owned(member: Member, unit: str, attempt: int, lxd: ClusterView) -> list[WriteNotes]:
    """A member notes its unit, and the attempt in which it joined: it is not the operator's.

    After take-back the record may be right already, from a unit with the same number. If an earlier
    unit of this machine has marked the member as leaving, the mark is removed: this unit stays.
    """
    steps = member_units.owned(member, unit, attempt, lxd)
    names = member_units.names(member, lxd)
    observed = [
        kind + name for kind in (SEEN, OF_OPERATOR, PREFIX, UNMOVED) for name in sorted(names)
    ]
    cleared = {note: "" for note in observed if note in lxd.notes}
    return [*steps, WriteNotes(cleared)] if cleared else steps


def closed(member: Member, lxd: ClusterView) -> bool:
    """Whether an earlier unit of a member, which was to leave, has closed it for new instances."""
    names = member_units.names(member, lxd)
    return member.scheduler == CLOSED and any(PREFIX + name in lxd.notes for name in names)


def seen(member: Member, now: float, lxd: ClusterView) -> list[WriteNotes]:
    """Notes that a member is up without its unit, and some minutes later that it keeps running.

    A machine that Juju releases is also up for a moment. `now` is in seconds since the epoch.
    """
    before = lxd.notes.get(SEEN + member.name, "")
    if belongs_to_operator(member, lxd):
        return []
    since = whole(before)
    if since is None:
        return [WriteNotes({SEEN + member.name: f"{now:.0f}"})]
    if abs(now - since) < deadlines.GIVEN_BACK:
        return []
    return [WriteNotes({OF_OPERATOR + member.name: "yes"})]


def unresponsive(member: Member, now: float, lxd: ClusterView) -> list[WriteNotes]:
    """Notes since when a member that LXD calls evacuated does not answer, or that it answers again.

    `now` is in seconds since the epoch.
    """
    key = UNRESPONSIVE + member.name
    before = lxd.notes.get(key, "")
    if not member.evacuated or member.answers:
        return [WriteNotes({key: ""})] if before else []
    return [] if whole(before) is not None else [WriteNotes({key: f"{now:.0f}"})]


def dead(member: Member, now: float, lxd: ClusterView) -> bool:
    """Whether a member is gone: offline, or evacuated and without an answer for long."""
    since = whole(lxd.notes.get(UNRESPONSIVE + member.name, ""))
    if since is None or not member.evacuated or member.answers:
        return member.offline
    return member.offline or abs(now - since) >= deadlines.EVACUATED_DEAD


def mark(member: Member, word: str) -> WriteNotes:
    """Marks a member. Each mark has its own key, so that two at once do not collide."""
    return WriteNotes({PREFIX + member.name: word})


def due(member: Member, lxd: ClusterView) -> tuple[WriteNotes, ...]:
    """Marks a leaving member that has other members and no mark."""
    if len(lxd.members) == 1 or member.name in leaving(lxd):
        return ()
    return (mark(member, LEAVING),)


def withdrawn(member: Member, lxd: ClusterView) -> tuple[WriteNotes, ...]:
    """Removes the mark of a leaving member that must first admit a unit."""
    return (mark(member, ""),) if member.name in leaving(lxd) else ()


def outdated(
    own: str, lxd: ClusterView, renamed: Collection[str] = (), queued: Collection[str] = ()
) -> list[WriteNotes]:
    """Clears the marks of members that are gone, and the mark of the member `own`, which stays.

    Marks under old names of `renamed` members are kept, because these members still exist. Records
    of `queued` names are also kept: another member may admit such a unit at this moment. The note
    of instances that a gone member has stopped is kept until they run.
    """
    members = {m.name for m in lxd.members}
    gone_members = leaving(lxd) - (members - {own}) - set(renamed)
    config = lxd.notes
    keys = {PREFIX + name: "" for name in gone_members}
    keys |= {UNMOVED + n: "" for n in gone_members if UNMOVED + n in config}
    lock = join_lock.read(config)
    joining = {lock.name} if lock is not None else set[str]()
    kept_names = members | joining | set(renamed)
    for prefix in (*OWNERS, *_OBSERVED, UNMOVED):
        stay = kept_names.union(queued) if prefix == ADMITTED else kept_names
        keys |= {prefix + n: "" for n in _noted(prefix, config).keys() - stay}
    return [WriteNotes(keys)] if keys else []
