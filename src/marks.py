"""What members say of themselves in LXD's database: whose they are, and that they leave.

A unit that leaves can publish nothing to its peers any more and learns nothing new of them, and
one that is held may stay for long. The others must know: it admits nobody and looks after nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from steps import WriteNotes
from view import Lxd, Member

PREFIX = "user.lxd-cluster.leaving."
RAN = "user.lxd-cluster.ran."
UNIT = "user.lxd-cluster.unit."
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
    """The unit that a member has said it is of, empty if it has not said so yet."""
    return lxd.notes.get(UNIT + member, "").partition(" ")[0]


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
    units = {k.removeprefix(UNIT) for k, v in config.items() if k.startswith(UNIT) and v}
    keys |= {UNIT + name: "" for name in units - members}
    return [WriteNotes(keys)] if keys else []
