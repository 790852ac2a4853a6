# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Updates the notes about members that operators have renamed, and LXD's trust in them."""

from __future__ import annotations

from plan import cluster_change
from records import member_units, renames
from state.cluster import ClusterView, Member
from state.view import Peers, View
from steps.plan import Step
from steps.server import FollowRenames


def due(view: View, lxd: ClusterView, peers: Peers, member: Member) -> tuple[Step, ...]:
    """Updates the notes and LXD's trust to the members' present names.

    Each rename is tried once in a run, because LXD may refuse it. Every member does that for all
    members: a renamed member's machine may be dead, and another member may have got its old name.
    Each member also does it for itself, because only its machine shows which certificate is its
    own.
    """
    units = cluster_change.units(view, lxd, peers)
    pending = renames.pending(lxd.notes, lxd.members, units)
    renamed = {r.old: r.new for r in pending}
    if peers.own.name not in ("", member.name) or _noted_by_older_charm(member, lxd):
        renamed.setdefault(peers.own.name or member.name, member.name)
    step = FollowRenames(member.name, renamed, units)
    return () if step.pairs <= view.history.followed else (step,)


def _noted_by_older_charm(member: Member, lxd: ClusterView) -> bool:
    """Whether a charm without addresses in its records may have left the trust as it was."""
    record = member_units.record(member_units.UNIT + member.name, lxd.notes)
    return record is not None and not record.address
