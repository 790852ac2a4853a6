# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Members' notes about themselves in LXD's database: their units, and that they leave.

A leaving unit can publish nothing to its peers any more and learns nothing new of them, and a held
one may stay for long. The others must know: it admits no unit and does no work for the cluster.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import deadlines
from records import join_lock
from state.cluster import ClusterView, Member
from steps.server import RenameTrusted, WriteNotes

PREFIX = "leaving."
RAN = "ran."
"""Instances that a leaving member has stopped, to move them, and that must run again."""
UNMOVED = "unmoved."
"""Instances that no member took: the number of tries, and the reason."""
UNRESPONSIVE = "silent."
"""Since when a member that LXD calls evacuated does not answer, in seconds since the epoch."""
QUIET = "quiet."
"""Since when a member is the Raft leader and sends no heartbeats, in seconds since the epoch."""
RELOADED = "reloaded."
"""When its daemon was reloaded for that, in seconds since the epoch."""
UNIT = "unit."
ADMITTED = "admitted."
"""The token issuer writes this note before it makes the join token."""
OWNERS = (UNIT, ADMITTED)
"""Notes that name a member's unit in LXD's record."""
SEEN = "seen."
KEPT = "kept."
_OBSERVED = (SEEN, KEPT, UNRESPONSIVE, QUIET, RELOADED)
"""Observations of a member, which mean nothing for a later one of its name."""
LEAVING = "leaving"
"""The mark of a member whose unit leaves."""
REMOVING = "going"
"""The mark of one that removes itself now."""


def leaving(lxd: ClusterView) -> frozenset[str]:
    """The names of marked members."""
    return frozenset(_marks(lxd))


def removed_first(member: Member, lxd: ClusterView) -> str:
    """The first by name of the other members that remove themselves now, empty if there is none.

    One at a time: each removal changes what the next one would take away. A member marks itself,
    looks again, and goes only if it is alone. If two see each other, the first by name keeps
    its mark and waits for the other, which may be on its way out: it looked before this mark.
    """
    removing = {
        name
        for name, mark in _marks(lxd).items()
        if mark == REMOVING
        and (other := lxd.member(name)) is not None
        and other.up
        # An orphaned member no longer removes itself.
        and name not in lxd.orphaned
    }
    return min(removing - {member.name}, default="")


def is_removing(member: Member, lxd: ClusterView) -> bool:
    """Whether a member has said that it leaves now."""
    return _marks(lxd).get(member.name) == REMOVING


def _marks(lxd: ClusterView) -> dict[str, str]:
    return _noted(PREFIX, lxd.notes)


def _noted(prefix: str, notes: Mapping[str, str]) -> dict[str, str]:
    """By member: its note with this prefix, if it has one."""
    return {k.removeprefix(prefix): v for k, v in notes.items() if k.startswith(prefix) and v}


def stopped(member: str, notes: Mapping[str, str]) -> frozenset[str]:
    """Instances that a member has stopped, to move them. An older charm notes all that ran."""
    return frozenset(filter(None, notes.get(RAN + member, "").split(",")))


def with_stopped(member: str, instances: Iterable[str]) -> dict[str, str]:
    """The note about them: a hook, LXD or the machine may die before they run again."""
    return {RAN + member: ",".join(sorted(instances))}


@dataclass(frozen=True)
class Unmoved:
    """The number of hooks that tried to move an instance, and why it did not work."""

    times: int
    why: str


def unmoved(member: str, notes: Mapping[str, str]) -> dict[str, Unmoved]:
    """By instance of a leaving member: that no other member took it."""
    try:
        rows: dict[str, tuple[int, str]] = json.loads(notes.get(UNMOVED + member) or "{}")
        return {name: Unmoved(int(times), str(why)) for name, (times, why) in rows.items()}
    except (ValueError, TypeError, AttributeError):
        return {}  # Somebody else wrote there.


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

    LXD also calls a dead member evacuated: `Member.up` asks whether it answers.
    """
    return member is not None and member.up and not lxd.notes.get(PREFIX + member.name)


def unit_of(member: str, lxd: ClusterView) -> str:
    """The unit of a member, empty for one that joined without this charm.

    The member notes it itself; before that, the member that made its join token did.
    """
    owner = lxd.notes.get(UNIT + member, "") or lxd.notes.get(ADMITTED + member, "")
    return owner.partition(" ")[0]


def admitted(member: str, unit: str, attempt: int, notes: Mapping[str, str]) -> dict[str, str]:
    """The notes that a unit may join as this member, and that no earlier one of its name counts."""
    earlier = (PREFIX, RAN, UNMOVED, UNIT, *_OBSERVED)
    cleared = {prefix + member: "" for prefix in earlier if prefix + member in notes}
    return {**cleared, ADMITTED + member: f"{unit} {attempt}"}


def kept(member: str, lxd: ClusterView) -> bool:
    """Whether a member kept running without its unit: it belongs to the operator."""
    return bool(lxd.notes.get(KEPT + member))


def seen(member: Member, now: float, lxd: ClusterView) -> list[WriteNotes]:
    """Notes that a member is up without its unit, and after a while that it keeps running.

    A machine that Juju releases is also up for a moment. `now` is in seconds since the epoch.
    """
    before = lxd.notes.get(SEEN + member.name, "")
    if kept(member.name, lxd):
        return []
    if not before.isdigit():
        return [WriteNotes({SEEN + member.name: f"{now:.0f}"})]
    if abs(now - float(before)) < deadlines.GIVEN_BACK:
        return []
    return [WriteNotes({KEPT + member.name: "yes"})]


def unresponsive(member: Member, now: float, lxd: ClusterView) -> list[WriteNotes]:
    """Notes since when a member that LXD calls evacuated does not answer, or that it answers again.

    `now` is in seconds since the epoch.
    """
    key = UNRESPONSIVE + member.name
    before = lxd.notes.get(key, "")
    if not member.evacuated or member.answers:
        return [WriteNotes({key: ""})] if before else []
    return [] if before.isdigit() else [WriteNotes({key: f"{now:.0f}"})]


def dead(member: Member, now: float, lxd: ClusterView) -> bool:
    """Whether a member is gone: offline, or evacuated and without an answer for long."""
    since = lxd.notes.get(UNRESPONSIVE + member.name, "")
    unresponsive = member.evacuated and not member.answers and since.isdigit()
    return member.offline or (unresponsive and abs(now - float(since)) >= deadlines.EVACUATED_DEAD)


def came_in(member: str, lxd: ClusterView) -> int:
    """The attempt in which a member joined completely, -1 if it has not said so."""
    attempt = lxd.notes.get(UNIT + member, "").partition(" ")[2]
    return int(attempt) if attempt.isdigit() else -1


def left_by(member: str, unit: str, attempt: int, lxd: ClusterView) -> bool:
    """Whether a failed join of a unit left this member; the unit is at a later `attempt` now.

    A unit tries again only after it has reset its LXD, and it resets only an LXD that holds
    nothing.
    """
    note = lxd.notes.get(UNIT + member, "") or lxd.notes.get(ADMITTED + member, "")
    owner_unit, _, noted_attempt = note.partition(" ")
    return owner_unit == unit and noted_attempt.isdigit() and int(noted_attempt) < attempt


def owned(member: Member, unit: str, attempt: int, lxd: ClusterView) -> list[WriteNotes]:
    """A member notes its unit, and the attempt in which it joined: it is not the operator's."""
    key, value = UNIT + member.name, f"{unit} {attempt}"
    if lxd.notes.get(key) == value:
        return []
    observed = (kind + member.name for kind in (SEEN, KEPT))
    return [WriteNotes({key: value, **{note: "" for note in observed if note in lxd.notes}})]


def kept_by_operator(members: Iterable[Member]) -> dict[str, str]:
    """Notes that these members belong to the operator until a unit says that one is its own."""
    return {KEPT + member.name: "yes" for member in members}


def mark(member: Member, word: str) -> WriteNotes:
    """Marks a member. Each mark has its own key, so that two at once do not collide."""
    return WriteNotes({PREFIX + member.name: word})


def due(member: Member, lxd: ClusterView) -> tuple[WriteNotes, ...]:
    """Marks a leaving member that has other members and no mark."""
    if len(lxd.members) == 1 or member.name in leaving(lxd):
        return ()
    return (mark(member, LEAVING),)


def withdrawn(member: Member, lxd: ClusterView) -> tuple[WriteNotes, ...]:
    """Takes the mark from a leaving member that must admit a unit first."""
    return (mark(member, ""),) if member.name in leaving(lxd) else ()


def outdated(own: str, lxd: ClusterView) -> list[WriteNotes]:
    """Clears the marks of members that are gone, and that of `own`, which stays."""
    members = {m.name for m in lxd.members}
    gone_members = leaving(lxd) - (members - {own})
    config = lxd.notes
    keys = {PREFIX + name: "" for name in gone_members}
    keys |= {
        prefix + n: "" for prefix in (RAN, UNMOVED) for n in gone_members if prefix + n in config
    }
    lock = join_lock.read(config)
    joining = {lock.name} if lock is not None else set[str]()
    for prefix in (*OWNERS, *_OBSERVED):
        keys |= {prefix + n: "" for n in _noted(prefix, config).keys() - members - joining}
    return [WriteNotes(keys)] if keys else []


def renamed(lxd: ClusterView, units: Mapping[str, str]) -> list[RenameTrusted | WriteNotes]:
    """What follows from the names that operators gave to members. `units` are members' units.

    The note about a unit is what shows a rename, so it gets the new name last. It does also if the
    unit's machine dies before the unit can note that name itself.
    """
    # A member that was renamed right after it joined has only the token issuer's note.
    owners = {**_noted(ADMITTED, lxd.notes), **_noted(UNIT, lxd.notes)}
    member_of = {unit: member for member, unit in units.items()}
    steps: list[RenameTrusted | WriteNotes] = []
    for old in sorted(owners.keys() - {m.name for m in lxd.members}):
        if new := member_of.get(owners[old].partition(" ")[0]):
            note = lxd.notes.get(UNIT + new, "") or owners[old]
            cleared = {kind + old: "" for kind in OWNERS if kind + old in lxd.notes}
            steps += [RenameTrusted(old, new), WriteNotes({UNIT + new: note, **cleared})]
    return steps
