# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The records in LXD's database that say which unit a member belongs to.

A record is a note under the member's name, and it also has the member's address. An operator may
rename any member at any time, and may give it the name that another one had. The address cannot
change. So a record with an address is about the member at that address, whatever its name is, and
about no other. A record of an older charm has no address: it may be about the member that has the
name now.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from state.cluster import ClusterView, Member
from state.peers import UnitData
from steps.server import WriteNotes
from values.addresses import is_same
from values.numbers import whole

UNIT = "unit."
ADMITTED = "admitted."
"""The token issuer writes this note before it makes the join token."""
OWNERS = (UNIT, ADMITTED)
"""Notes that name a member's unit in LXD's record."""


@dataclass(frozen=True)
class Record:
    """A unit, the attempt in which it joined (-1 if unknown), and its member's address."""

    unit: str
    attempt: int = -1
    address: str = ""

    def __str__(self) -> str:
        return f"{self.unit} {self.attempt} {self.address}".strip()

    def is_about(self, member: Member) -> bool:
        """Whether it is certainly about this member."""
        return bool(self.address) and is_same(self.address, member.address)

    def may_be_about(self, member: Member) -> bool:
        """Whether it may be about this member, if it is under the member's name."""
        return not self.address or is_same(self.address, member.address)


def record(key: str, notes: Mapping[str, str]) -> Record | None:
    """The record in a note, None if there is none."""
    return _parsed(notes.get(key, ""))


@lru_cache(maxsize=1024)
def _parsed(text: str) -> Record | None:
    """The record in a note's text. Cached: a hook reads the same few records many times."""
    words = text.split()
    if not words:
        return None
    attempt = whole(words[1]) if len(words) > 1 else None
    return Record(words[0], -1 if attempt is None else attempt, words[2] if len(words) > 2 else "")


def records(notes: Mapping[str, str]) -> dict[str, Record]:
    """By name: its record. A member's own comes before the token issuer's."""
    keys = sorted([key for key in notes if key.startswith(OWNERS)])
    found: dict[str, Record] = {}
    for kind in OWNERS:
        for key in keys:
            if key.startswith(kind) and (noted := record(key, notes)) is not None:
                found.setdefault(key.removeprefix(kind), noted)
    return found


def _under_its_name(member: Member, notes: Mapping[str, str]) -> list[Record]:
    """The records under a member's name that are not about another member."""
    noted = (record(kind + member.name, notes) for kind in OWNERS)
    return [r for r in noted if r is not None and r.may_be_about(member)]


def names(member: Member, lxd: ClusterView) -> frozenset[str]:
    """A member's name, and the names that it had when records about it were written."""
    noted = records(lxd.notes).items()
    return frozenset({member.name, *(name for name, r in noted if r.is_about(member))})


def owners(member: Member, lxd: ClusterView) -> tuple[str, ...]:
    """The units that a member may belong to, the most probable first.

    There are several only if the records do not agree, and none for a member that joined without
    this charm.
    """
    own = _under_its_name(member, lxd.notes)[:1]
    if own and own[0].address:
        return (own[0].unit,)
    others = [r for name, r in records(lxd.notes).items() if name != member.name]
    return tuple(dict.fromkeys(r.unit for r in (*_about(others, member), *own)))


def _about(noted: Iterable[Record], member: Member) -> list[Record]:
    """Those that are certainly about a member."""
    return [r for r in noted if r.is_about(member)]


def unit_of(member: Member, lxd: ClusterView) -> str:
    """The unit of a member, empty for one that joined without this charm.

    The member notes it itself; before that, the member that made its join token did.
    """
    return next(iter(owners(member, lxd)), "")


def is_noted(member: Member, lxd: ClusterView) -> bool:
    """Whether there is a record under a member's present name that is not about another member."""
    noted = records(lxd.notes).get(member.name)
    return noted is not None and noted.may_be_about(member)


def is_of(member: Member, unit: str, data: UnitData, lxd: ClusterView) -> bool:
    """Whether LXD's records have a member as the unit's, which has published `data`.

    A member of an older charm has no record. If its record has no address, an operator may have
    given it the name of another member; then the record of the name that the unit knows counts.
    """
    noted = _under_its_name(member, lxd.notes)
    others = (r for name, r in records(lxd.notes).items() if name != member.name)
    units = {r.unit for r in (*noted, *_about(others, member))}
    if not units or unit in units:
        return True
    if any(r.address for r in noted):
        return False
    known = records(lxd.notes).get(data.name)
    return known is not None and known.unit == unit and known.may_be_about(member)


def joined_attempt(member: Member, lxd: ClusterView) -> int:
    """The attempt in which a member joined completely, -1 if it has not noted one.

    All records that may be about it count: a member that may have joined is not removed.
    """
    keys = {UNIT + name for name in names(member, lxd)}
    return max((r.attempt for key in keys if (r := record(key, lxd.notes))), default=-1)


def is_left_by_failed_join(member: Member, unit: str, attempt: int, lxd: ClusterView) -> bool:
    """Whether a failed join of a unit left this member; the unit is at a later `attempt` now.

    A unit tries again only after it has reset its LXD, and it resets only an LXD that holds
    nothing.
    """
    noted = _under_its_name(member, lxd.notes)
    first = noted[0] if noted else Record("")
    return owners(member, lxd) == (unit,) and 0 <= first.attempt < attempt


def owned(member: Member, unit: str, attempt: int, lxd: ClusterView) -> list[WriteNotes]:
    """A member notes its unit, the attempt in which it joined, and its address."""
    key, value = UNIT + member.name, str(Record(unit, attempt, member.address))
    return [] if lxd.notes.get(key) == value else [WriteNotes({key: value})]
