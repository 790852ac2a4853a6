"""Which units' words count: what only members may say is taken from members alone.

A unit says itself that it is a member. Those that are members look it up in LXD's own record: its
list of members, and the note of the unit that each is of.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from records import member_marks
from state.cluster import Lxd
from state.peers import UnitData
from state.view import Peers

_SAYS_NOTHING: Mapping[str, object] = {
    "offers": {},
    "links": {},
    "refused": {},
    "missed": {},
    "call": None,
    "spread": (),
    "problem": "",
}


def believed(peers: Peers, lxd: Lxd) -> Peers:
    """The peers without what units say that are no members, as far as a member's LXD can tell."""
    others = {unit: _counting(unit, data, lxd) for unit, data in peers.others.items()}
    return replace(peers, others=others) if others != peers.others else peers


def _counting(unit: str, data: UnitData, lxd: Lxd) -> UnitData:
    member = lxd.member_of(data) if data.cluster else None
    if member is not None and _is_of(member.name, unit, lxd):
        return data
    # Units that left say so until they are gone: that they are members nobody takes from it.
    silenced = data
    if any(getattr(data, name) != nothing for name, nothing in _SAYS_NOTHING.items()):
        silenced = data.model_copy(update=_SAYS_NOTHING)
    if member is None:
        return silenced
    return silenced.model_copy(update={"cluster": ""}).doubted("membership")


def _is_of(member: str, unit: str, lxd: Lxd) -> bool:
    """Whether LXD's record has a member as the unit's. One of an older charm has none."""
    told = [lxd.notes.get(kind + member, "") for kind in member_marks.OWNERS]
    noted = [note.partition(" ")[0] for note in told if note]
    return not any(noted) or unit in noted
