# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The units whose data count: only members may say some things.

A unit itself says that it is a member. Members look it up in LXD's own record: its list of members,
and the note of each member's unit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from records import member_units
from state.cluster import ClusterView
from state.peers import UnitData
from state.view import Peers

_SAYS_NOTHING: Mapping[str, object] = {
    "offers": {},
    "links": {},
    "clashes": {},
    "refused": {},
    "missed": {},
    "call": None,
    "disks": {},
    "spread": (),
    "placed": (),
    "sources": {},
    "pools": (),
    "bridges": (),
    "on_devices": (),
    "problem": "",
    "removed": (),
    "works": {},
}


def verified(peers: Peers, lxd: ClusterView) -> Peers:
    """The peers without false data of units that are not members, by a member's LXD."""
    others = {unit: _verified(unit, data, lxd) for unit, data in peers.others.items()}
    return replace(peers, others=others) if others != peers.others else peers


def _verified(unit: str, data: UnitData, lxd: ClusterView) -> UnitData:
    member = lxd.member_of(data) if data.cluster else None
    if member is not None and member_units.is_of(member, unit, data, lxd):
        return data
    # A unit that has left the cluster publishes its data until Juju removes it. They count.
    reduced = data
    if any(getattr(data, name) != nothing for name, nothing in _SAYS_NOTHING.items()):
        reduced = data.model_copy(update=_SAYS_NOTHING)
    if member is None:
        return reduced
    return reduced.model_copy(update={"cluster": ""}).marked_invalid("membership")
