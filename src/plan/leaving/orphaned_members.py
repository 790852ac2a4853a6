# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The leader's work on members without a unit: their units are gone, and have not left the cluster.

A forced removal runs none of a unit's hooks, and a dead machine runs none at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain

from plan import duties
from records import member_marks, member_units
from state.cluster import ClusterView, Member
from state.peers import UnitData
from state.view import Peers, View
from steps.plan import Step


def without_unit(view: View, lxd: ClusterView, peers: Peers, own: UnitData) -> tuple[Member, ...]:
    """Members without a unit in Juju. Empty if it is unknown which units Juju has.

    Juju's agent shows a unit's data from the last hook about that unit, so the members' own notes
    come first. If Juju has a unit whose data cannot be read, that unit has never entered the
    relation, so it never had a join token.
    """
    if view.units is None:
        return ()
    units = {view.unit: own, **peers.others}
    data_in_juju = [data for unit, data in units.items() if unit in view.units.in_juju]

    def has_unit(member: Member) -> bool:
        if any(data.cluster and data.address == member.address for data in data_in_juju):
            # The record of an older charm may be about another member, which had this name.
            return True
        if units := member_units.owners(member, lxd):
            return view.units is not None and not view.units.in_juju.isdisjoint(units)
        # Data without a name are old, and may be those of this member's unit.
        return any(_belongs(member, data) or not data.name for data in data_in_juju)

    return tuple(m for m in lxd.members if not has_unit(m))


def _belongs(member: Member, data: UnitData) -> bool:
    # An operator may have renamed it; its address cannot change.
    return data.name == member.name or data.address == member.address


def orphaned(view: View, lxd: ClusterView, peers: Peers, own: UnitData) -> frozenset[str]:
    """Members whose units Juju no longer has: their machines may go at any moment.

    Members that joined without this charm, or kept running without a unit, are excluded: they
    belong to the operator.
    """
    return frozenset(
        m.name
        for m in without_unit(view, lxd, peers, own)
        if member_units.owners(m, lxd) and not member_marks.belongs_to_operator(m, lxd)
    )


def noting(view: View, lxd: ClusterView, peers: Peers, own: UnitData) -> list[Step]:
    """Notes which members are up although Juju has removed their units.

    Only the leader does that, or the coordinator in its place. It also notes which of them do not
    answer although LXD calls them evacuated: LXD calls a dead member evacuated after its healing.
    """
    if not duties.handles_orphans(view.unit, leads=view.leader, peers=peers, lxd=lxd):
        return []
    names = orphaned(view, lxd, peers, own)
    orphans = [m for m in lxd.members if m.name in names]
    up = [m for m in orphans if m.up and m.name not in lxd.unreachable]
    seen = (member_marks.seen(member, view.now, lxd) for member in up)
    unresponsive = (member_marks.unresponsive(member, view.now, lxd) for member in orphans)
    return [*chain.from_iterable(seen), *chain.from_iterable(unresponsive)]


def removed_units(view: View, lxd: ClusterView, peers: Peers, own: UnitData) -> tuple[str, ...]:
    """Units that stay in Juju although the cluster no longer has their member."""
    if view.units is None:
        return ()
    outside = units_without_member(lxd, {view.unit: own, **peers.others})
    return tuple(unit for unit in outside if unit in view.units.in_juju)


def units_without_member(lxd: ClusterView, units: Mapping[str, UnitData]) -> tuple[str, ...]:
    """Units that say that they are members of this cluster, although they are not."""
    return tuple(
        unit
        for unit, data in sorted(units.items())
        if data.cluster == lxd.identity and lxd.member_of(data) is None
    )
