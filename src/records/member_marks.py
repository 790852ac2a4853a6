"""What members say of themselves in LXD's database: whose they are, and that they leave.

A unit that leaves can publish nothing to its peers any more and learns nothing new of them, and
one that is held may stay for long. The others must know: it admits nobody and looks after nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import deadlines
from records import join_lock
from state.cluster import ClusterView, Member
from steps.server import WriteNotes

PREFIX = "leaving."
RAN = "ran."
"""Instances that a member that leaves has stopped, to move them, and that shall run again."""
UNMOVED = "unmoved."
"""Instances that no member took: how often that was tried, and why."""
UNRESPONSIVE = "silent."
"""Since when a member that LXD calls evacuated answers nobody, in seconds since the epoch."""
QUIET = "quiet."
"""Since when a member leads the database and sends no heartbeats, in seconds since the epoch."""
RELOADED = "reloaded."
"""When its daemon was reloaded for that, the same."""
UNIT = "unit."
ADMITTED = "admitted."
"""Written by the member that makes a join token, before it makes it."""
OWNERS = (UNIT, ADMITTED)
"""Notes by which LXD's record has a member as a unit's."""
SEEN = "seen."
KEPT = "kept."
_OBSERVED = (SEEN, KEPT, UNRESPONSIVE, QUIET, RELOADED)
"""What was seen of a member, which says nothing of a later one of its name."""
LEAVING = "leaving"
"""The mark of a member whose unit leaves."""
REMOVING = "going"
"""The mark of one that removes itself now."""


def leaving(lxd: ClusterView) -> frozenset[str]:
    """The names of members that are marked."""
    return frozenset(_marks(lxd))


def removed_first(member: Member, lxd: ClusterView) -> str:
    """The member that is removed before `member`, empty if `member` is the next.

    One at a time: what the database loses with each must be weighed anew. LXD keeps the marks in
    one order for all, so of two that see each other's mark the first by name goes.
    """
    removing = {
        name
        for name, mark in _marks(lxd).items()
        if mark == REMOVING
        and (other := lxd.member(name)) is not None
        and other.up
        # An orphaned member removes itself no more.
        and name not in lxd.orphaned
    }
    first = min(removing, default="")
    return "" if first == member.name else first


def is_removing(member: Member, lxd: ClusterView) -> bool:
    """Whether a member has said that it removes itself now."""
    return _marks(lxd).get(member.name) == REMOVING


def _marks(lxd: ClusterView) -> dict[str, str]:
    config = lxd.notes
    return {k.removeprefix(PREFIX): v for k, v in config.items() if k.startswith(PREFIX) and v}


def stopped(member: str, notes: Mapping[str, str]) -> frozenset[str]:
    """Instances that a member has stopped, to move them. An older charm notes all that ran."""
    return frozenset(filter(None, notes.get(RAN + member, "").split(",")))


def with_stopped(member: str, instances: Iterable[str]) -> dict[str, str]:
    """The note that keeps them: a hook, LXD or the machine may die before they run again."""
    return {RAN + member: ",".join(sorted(instances))}


@dataclass(frozen=True)
class Unmoved:
    """How often it was tried to move an instance, in a hook each, and why it did not work."""

    times: int
    why: str


def unmoved(member: str, notes: Mapping[str, str]) -> dict[str, Unmoved]:
    """By instance of a member that leaves: that no other member took it."""
    try:
        found: dict[str, tuple[int, str]] = json.loads(notes.get(UNMOVED + member) or "{}")
        return {name: Unmoved(int(times), str(why)) for name, (times, why) in found.items()}
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
    """Whether a member does its part for the others: it is up, evacuated or not, and stays.

    LXD calls a dead member evacuated, too: `Member.up` asks whether it answers.
    """
    return member is not None and member.up and not lxd.notes.get(PREFIX + member.name)


def unit_of(member: str, lxd: ClusterView) -> str:
    """The unit that a member is of, empty for one that joined without this charm.

    The member says so itself; before that, the member that made its join token did.
    """
    owner = lxd.notes.get(UNIT + member, "") or lxd.notes.get(ADMITTED + member, "")
    return owner.partition(" ")[0]


def admitted(member: str, unit: str, attempt: int, notes: Mapping[str, str]) -> dict[str, str]:
    """The notes that a unit may join as this member, and that no earlier one of its name counts."""
    earlier = (PREFIX, RAN, UNMOVED, UNIT, *_OBSERVED)
    cleared = {prefix + member: "" for prefix in earlier if prefix + member in notes}
    return {**cleared, ADMITTED + member: f"{unit} {attempt}"}


def kept(member: str, lxd: ClusterView) -> bool:
    """Whether a member went on without its unit: it is the operator's."""
    return bool(lxd.notes.get(KEPT + member))


def seen(member: Member, now: float, lxd: ClusterView) -> list[WriteNotes]:
    """Notes that a member is up without its unit, and after a while that it goes on so.

    A machine that Juju gives back is up for a moment, too. `now` is in seconds since the epoch.
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
    """Notes since when a member that LXD calls evacuated answers nobody, or that it answers again.

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
    """The attempt in which a member came all the way in, -1 if it has not said so."""
    attempt = lxd.notes.get(UNIT + member, "").partition(" ")[2]
    return int(attempt) if attempt.isdigit() else -1


def left_by(member: str, unit: str, attempt: int, lxd: ClusterView) -> bool:
    """Whether a member is what a failed join of a unit left, which is at a later `attempt` now.

    A unit tries again only after it has reset its LXD, which it does only while that holds nothing.
    """
    owner = lxd.notes.get(UNIT + member, "") or lxd.notes.get(ADMITTED + member, "")
    whose, _, noted = owner.partition(" ")
    return whose == unit and noted.isdigit() and int(noted) < attempt


def owned(member: Member, unit: str, attempt: int, lxd: ClusterView) -> list[WriteNotes]:
    """A member says which unit it is of, and in which attempt it joined."""
    key, value = UNIT + member.name, f"{unit} {attempt}"
    return [] if lxd.notes.get(key) == value else [WriteNotes({key: value})]


def mark(member: Member, word: str) -> WriteNotes:
    """Marks a member. One key for each, so that two at once do not undo one another."""
    return WriteNotes({PREFIX + member.name: word})


def outdated(own: str, lxd: ClusterView) -> list[WriteNotes]:
    """Clears the marks of members that are gone, and that of `own`, which stays."""
    members = {m.name for m in lxd.members}
    gone = leaving(lxd) - (members - {own})
    config = lxd.notes
    keys = {PREFIX + name: "" for name in gone}
    keys |= {prefix + n: "" for prefix in (RAN, UNMOVED) for n in gone if prefix + n in config}
    lock = join_lock.read(config)
    joining = {lock.name} if lock is not None else set[str]()
    for prefix in (*OWNERS, *_OBSERVED):
        noted_names = {
            k.removeprefix(prefix) for k, v in config.items() if k.startswith(prefix) and v
        }
        keys |= {prefix + name: "" for name in noted_names - members - joining}
    return [WriteNotes(keys)] if keys else []
