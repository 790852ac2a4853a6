"""What members say of themselves in LXD's database: whose they are, and that they leave.

A unit that leaves can publish nothing to its peers any more and learns nothing new of them, and
one that is held may stay for long. The others must know: it admits nobody and looks after nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import deadlines
import turns
from steps import WriteNotes
from view import Lxd, Member

PREFIX = "leaving."
RAN = "ran."
UNIT = "unit."
ADMITTED = "admitted."
"""Written by the member that makes a join token, before it makes it."""
SEEN = "seen."
KEPT = "kept."
LEAVING = "leaving"
GOING = "going"


def leaving(lxd: Lxd) -> frozenset[str]:
    """The names of members that are marked."""
    return frozenset(_marks(lxd))


def ahead(member: Member, lxd: Lxd) -> str:
    """The member that goes before `member`, empty if it is its turn.

    One at a time: what the database loses with each must be weighed anew. LXD keeps the marks in
    one order for all, so of two that see each other on their way the first by name goes.
    """
    going = {
        name
        for name, mark in _marks(lxd).items()
        if mark == GOING
        and (other := lxd.member(name)) is not None
        and other.up
        # One whose unit is gone goes nowhere any more.
        and name not in lxd.doomed
    }
    first = min(going, default="")
    return "" if first == member.name else first


def on_its_way(member: Member, lxd: Lxd) -> bool:
    """Whether a member has said that it goes now."""
    return _marks(lxd).get(member.name) == GOING


def _marks(lxd: Lxd) -> dict[str, str]:
    config = lxd.notes
    return {k.removeprefix(PREFIX): v for k, v in config.items() if k.startswith(PREFIX) and v}


def ran(member: str, config: Mapping[str, str]) -> frozenset[str]:
    """Instances that ran on a member when its evacuation first began."""
    return frozenset(filter(None, config.get(RAN + member, "").split(",")))


def noted(member: str, instances: Iterable[str]) -> dict[str, str]:
    """The configuration that keeps them: a hook or LXD itself may die in the evacuation."""
    return {RAN + member: ",".join(sorted(instances))}


def serves(member: Member | None, lxd: Lxd) -> bool:
    """Whether a member does its part for the others: it is up, evacuated or not, and stays."""
    return member is not None and member.up and member.name not in leaving(lxd)


def unit_of(member: str, lxd: Lxd) -> str:
    """The unit that a member is of, empty for one that joined without this charm.

    The member says so itself; before that, the member that made its join token did.
    """
    told = lxd.notes.get(UNIT + member, "") or lxd.notes.get(ADMITTED + member, "")
    return told.partition(" ")[0]


def admitted(member: str, unit: str, attempt: int) -> dict[str, str]:
    """The note that a unit may join as this member."""
    return {ADMITTED + member: f"{unit} {attempt}"}


def kept(member: str, lxd: Lxd) -> bool:
    """Whether a member went on without its unit: it is the operator's."""
    return bool(lxd.notes.get(KEPT + member))


def seen(member: Member, now: float, lxd: Lxd) -> list[WriteNotes]:
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


def came_in(member: str, lxd: Lxd) -> int:
    """The attempt in which a member came all the way in, -1 if it has not said so."""
    attempt = lxd.notes.get(UNIT + member, "").partition(" ")[2]
    return int(attempt) if attempt.isdigit() else -1


def owned(member: Member, unit: str, attempt: int, lxd: Lxd) -> list[WriteNotes]:
    """A member says which unit it is of, and in which attempt it joined."""
    key, value = UNIT + member.name, f"{unit} {attempt}"
    return [] if lxd.notes.get(key) == value else [WriteNotes({key: value})]


def mark(member: Member, word: str) -> WriteNotes:
    """Marks a member. One key for each, so that two at once do not undo one another."""
    return WriteNotes({PREFIX + member.name: word})


def outdated(own: str, lxd: Lxd) -> list[WriteNotes]:
    """Clears the marks of members that are gone, and that of `own`, which stays."""
    members = {m.name for m in lxd.members}
    gone = leaving(lxd) - (members - {own})
    config = lxd.notes
    keys = {PREFIX + name: "" for name in gone}
    keys |= {RAN + name: "" for name in gone if RAN + name in config}
    turn = turns.read(config)
    joining = {turn.name} if turn is not None else set[str]()
    for prefix in (UNIT, ADMITTED, SEEN, KEPT):
        noted_names = {
            k.removeprefix(prefix) for k, v in config.items() if k.startswith(prefix) and v
        }
        keys |= {prefix + name: "" for name in noted_names - members - joining}
    return [WriteNotes(keys)] if keys else []
