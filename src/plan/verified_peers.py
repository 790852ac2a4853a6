# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The peers' data that count: some fields count only for members.

Each unit publishes whether it is a member. Members check that in LXD: in its list of members, and
in the note about each member's unit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from records import member_units
from state.cluster import ClusterView
from state.peers import UnitData
from state.view import Peers

_EMPTY_FIELDS: Mapping[str, object] = {
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
    """The peers, without data that only members may publish from units that LXD does not list."""
    others = {unit: _verified(unit, data, lxd) for unit, data in peers.others.items()}
    return replace(peers, others=others) if others != peers.others else peers


def _verified(unit: str, data: UnitData, lxd: ClusterView) -> UnitData:
    member = lxd.member_of(data) if data.cluster else None
    if member is not None and member_units.is_of(member, unit, data, lxd):
        return data
    # A unit that has left the cluster publishes its other data until Juju removes it.
    reduced = data
    if any(getattr(data, name) != nothing for name, nothing in _EMPTY_FIELDS.items()):
        reduced = data.model_copy(update=_EMPTY_FIELDS)
    if member is None:
        return reduced
    return reduced.model_copy(update={"cluster": ""}).marked_invalid("membership")
