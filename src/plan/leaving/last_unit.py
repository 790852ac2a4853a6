# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The last members whose units Juju knows all leave, and a new unit must join before they can.

A leaving member makes no join tokens. If no unit that stays has a member, nobody else could make
one, and the new units and the leaving ones would wait for each other.
"""

from __future__ import annotations

from options.options import ABANDON
from plan.leaving import blockers
from plan.leaving.blockers import Reason
from records import member_units
from state.cluster import ClusterView
from state.view import Peers, View


def expected(view: View, lxd: ClusterView, peers: Peers) -> frozenset[str]:
    """Units that this leaving member must admit: one of them joins before it leaves.

    If several members leave, the first by name admits units, and only while something holds it.
    """
    joiners, member = awaited(view, lxd, peers), lxd.own
    if member is None or not joiners:
        return frozenset()
    leaving = blockers.with_leavers(view, lxd, peers, peers.own).leaving | {member.name}
    up = [m.name for m in lxd.members if m.name in leaving and m.up]
    return joiners if member.name == min(up, default="") else frozenset()


def awaited(view: View, lxd: ClusterView, peers: Peers) -> frozenset[str]:
    """The units that stay, if one of them must become a member because none is one yet.

    With `on-remove=abandon` only units that are about to join count: they could take the instances
    here. A unit does not count if its data say that it cannot join.
    """
    units = view.units
    if units is None or not blocking(view, lxd, peers):
        return frozenset()
    if any(_has_member(unit, lxd, peers) for unit in units.staying):
        return frozenset()
    if view.options.on_remove != ABANDON:
        return units.staying
    return frozenset(unit for unit in units.staying if _is_about_to_join(unit, peers))


def _is_about_to_join(unit: str, peers: Peers) -> bool:
    """Whether a unit is ready to join, or its machine is still being set up."""
    data = peers.others.get(unit)
    return unit not in peers.removed and (data is None or not data.key or data.able)


def _has_member(unit: str, lxd: ClusterView, peers: Peers) -> bool:
    """Whether a unit has a member, or may have one.

    A member that its failed join left does not count.
    """
    data = peers.others.get(unit)
    return any(
        unit in member_units.owners(m, lxd) or (data is not None and m == lxd.member_of(data))
        for m in lxd.members
        if data is None
        or data.unsure
        or not member_units.is_left_by_failed_join(m, unit, data.attempt, lxd)
    )


def blocking(view: View, lxd: ClusterView, peers: Peers) -> tuple[Reason, ...]:
    """What blocks this member, and would not if another unit joined."""
    member, on_remove = lxd.own, view.options.on_remove
    if member is None:
        return ()
    complete = blockers.with_leavers(view, lxd, peers, peers.own)
    if on_remove == ABANDON:
        # It gives up only instances that no member takes, and a new member could take these.
        return blockers.without_target(complete, member)
    if len(lxd.members) == 1:
        return blockers.last_of(lxd)
    min_voters = wanted_voters(view)
    return (
        *blockers.removal_blockers(on_remove, min_voters, complete, member),
        *blockers.unmoved(on_remove, complete, member),
    )


def wanted_voters(view: View) -> int:
    """The number of voters that must remain: one if no unit stays."""
    return 1 if application_ends(view) else view.options.min_voters


def application_ends(view: View) -> bool:
    """Whether the whole application is being removed."""
    return view.units is not None and not view.units.staying
