# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The notes about members that operators have renamed.

A note is under the name that its member had. LXD also trusts a renamed member under its old name.
Both get the new name together: a record that is still under an old name shows that LXD may still
trust its member under that name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from records import exchange, member_marks, member_units
from records.member_units import ADMITTED, OWNERS, UNIT, Record
from state.cluster import Member

_CARRIED = (
    member_marks.PREFIX,
    member_marks.RAN,
    member_marks.UNMOVED,
    member_marks.OF_OPERATOR,
    member_marks.SEEN,
    exchange.PREFIX,
)
"""Notes about a member that stay true after a rename."""
_DROPPED = (member_marks.UNRESPONSIVE, member_marks.WITHOUT_HEARTBEATS, member_marks.RELOADED)
"""Notes that do not move: the next hook writes them again."""


@dataclass(frozen=True)
class Rename:
    """The member `new` was called `old` when its record was written."""

    old: str
    new: str
    record: Record


def pending(
    notes: Mapping[str, str], members: Iterable[Member], units: Mapping[str, str]
) -> tuple[Rename, ...]:
    """The renames that the notes do not have yet. `units` are members' units, by the peers.

    A record without an address is about the member of its unit.
    """
    by_unit = {unit: name for name, unit in units.items()}
    listed = tuple(members)
    found: list[Rename] = []
    for old, record in sorted(member_units.records(notes).items()):
        member = _member(record, listed, by_unit)
        if member is not None and member.name != old and not _is_noted(member, notes):
            found.append(Rename(old, member.name, replace(record, address=member.address)))
    return tuple(found)


def _member(
    record: Record, members: tuple[Member, ...], by_unit: Mapping[str, str]
) -> Member | None:
    """The member that a record is about, None if that is not known."""
    if record.address:
        return next((m for m in members if record.is_about(m)), None)
    return next((m for m in members if m.name == by_unit.get(record.unit)), None)


def _is_noted(member: Member, notes: Mapping[str, str]) -> bool:
    """Whether a record under the member's present name is certainly about it."""
    record = member_units.records(notes).get(member.name)
    return record is not None and record.is_about(member)


def certain(renames: Iterable[Rename]) -> tuple[Rename, ...]:
    """The renames whose records agree on the unit of the member."""
    found = tuple(renames)
    units = {new: {r.record.unit for r in found if r.new == new} for new in {r.new for r in found}}
    return tuple(r for r in found if len(units[r.new]) == 1)


def followed(notes: Mapping[str, str], renames: Iterable[Rename]) -> dict[str, str]:
    """The notes under the members' present names.

    Each is written separately, and a hook may be killed in between. So a record is written under
    its new name before the old one is removed or gets another record, unless names were exchanged.
    """
    ordered = _in_safe_order(renames)
    new_names = {r.new for r in ordered}
    old_names = {r.old for r in ordered}
    values: dict[str, str] = {}
    for rename in ordered:
        values |= _carried(notes, rename, of_another=rename.new in old_names)
        values[UNIT + rename.new] = str(rename.record)
    for old in sorted(old_names - new_names):
        kinds = (*_CARRIED, *_DROPPED, *OWNERS)
        values |= {kind + old: "" for kind in kinds if kind + old in notes}
    return values


def _carried(notes: Mapping[str, str], rename: Rename, *, of_another: bool) -> dict[str, str]:
    """The notes that move with the member, without those `of_another` member of that name."""
    values: dict[str, str] = {}
    for kind in _CARRIED:
        there = "" if of_another else notes.get(kind + rename.new, "")
        text = notes.get(kind + rename.old, "") or there
        if text != notes.get(kind + rename.new, ""):
            values[kind + rename.new] = text
    if of_another:
        cleared = (*_DROPPED, ADMITTED)
        values |= {kind + rename.new: "" for kind in cleared if kind + rename.new in notes}
    return values


def _in_safe_order(renames: Iterable[Rename]) -> list[Rename]:
    """The renames in an order that overwrites no record that is still to be moved, if possible."""
    left = list(renames)
    ordered: list[Rename] = []
    while left:
        old_names = {r.old for r in left}
        first = next((r for r in left if r.new not in old_names), left[0])
        left.remove(first)
        ordered.append(first)
    return ordered
