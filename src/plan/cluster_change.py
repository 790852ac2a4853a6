# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The conditions for a change that all members make at once."""

from __future__ import annotations

import backends
import modes
from records import join_lock, member_marks, member_units
from state.cluster import ClusterView, Member, can_take_over
from state.view import Peers, View
from values.status import Status, StatusText, blocked, names, waiting


def option_names(view: View) -> frozenset[str]:
    """Every name that a pool or a network of the options may have."""
    nets = view.options.wanted_networks
    own_names = {*(pool.name for pool in view.more_pools), *(net.name for net in nets)}
    own_names |= backends.names_of_default(view.default_pool.name)
    return frozenset(own_names | {modes.other_name(net.name, net.mode) for net in nets})


def units(view: View, lxd: ClusterView, peers: Peers) -> dict[str, str]:
    """By member: its unit, if the unit has a place in the queue.

    Juju 4.0 seldom reports a removed unit, so the queue decides: the leader asks Juju which units
    are gone, and removes their places.
    """
    queued = {entry.unit for entry in peers.app.queue}
    clustered = {u: data for u, data in peers.others.items() if data.cluster and u in queued}
    members = {u: lxd.member_of(data) for u, data in clustered.items()}
    by_member = {member.name: unit for unit, member in members.items() if member is not None}
    return {**by_member, lxd.server.name: view.unit}


def members_outside_queue(view: View, lxd: ClusterView, peers: Peers) -> list[Member]:
    """The other members whose units have no place in the queue, or are no longer in Juju."""
    members = units(view, lxd, peers)
    entries = {entry.unit for entry in peers.app.queue}
    if view.units is not None:
        entries &= view.units.in_juju
    return [
        m
        for m in lxd.members
        if m.name != lxd.server.name
        and members.get(m.name, member_units.unit_of(m, lxd)) not in entries
    ]


def blocker(view: View, lxd: ClusterView, peers: Peers, thing: str) -> Status | None:
    """Why `thing` cannot be made now, None if it can.

    All members must be up, this unit must know their units, and no unit may be joining.
    """
    if down := [m.name for m in lxd.members if not m.up]:
        return waiting(f"to make {thing} until {names(down)} is back")
    lock = join_lock.read(lxd.notes)
    if lock is not None and lxd.member(lock.name) is None:
        return waiting(f"to make {thing} until {lock.unit} has joined")
    members = units(view, lxd, peers)
    unknown = [m.name for m in lxd.members if m.name not in members]
    return _unknown_members(unknown, lxd, peers, thing) if unknown else None


def _unknown_members(unknown: list[str], lxd: ClusterView, peers: Peers, thing: str) -> Status:
    """The status about members whose units this unit does not know."""
    leaving = member_marks.about_to_leave(lxd)
    if leavers := [name for name in unknown if name in leaving]:
        return waiting(f"to make {thing} until {leavers[0]} has left")
    entries = {entry.unit for entry in peers.app.queue}
    members = (m for m in lxd.members if m.name in unknown)
    unpublished = {unit for m in members if (unit := member_units.unit_of(m, lxd)) in entries}
    if unpublished:
        # It has joined, but its data have not arrived.
        return waiting(f"to make {thing} until {min(unpublished)} has published its data")
    # It is unknown what is on its machine, and its unit cannot come back.
    return without_unit(unknown[0], lxd)


def no_unit(member: str) -> StatusText:
    """The message about a member that is up and has no unit."""
    return f"{member} has no unit: move what it holds, then lxc cluster remove it"


def only_copy(member: str) -> StatusText:
    """The message about such a member if it has the only copy of the database."""
    return f"{member} has no unit, and the only copy of the database: add a unit first"


def without_unit(member: str, lxd: ClusterView) -> Status:
    """Blocked for a member that is up and has no unit, with advice that is safe."""
    return blocked(only_copy(member) if has_only_copy(member, lxd) else no_unit(member))


def has_only_copy(member: str, lxd: ClusterView) -> bool:
    """Whether the removal of a member would destroy the database."""
    others = [m for m in lxd.members if m.name != member]
    return len(others) == 1 and not can_take_over(lxd, others[0])
