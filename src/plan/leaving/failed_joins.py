# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A leaving member's token was used, and the join failed or may have failed."""

from __future__ import annotations

from plan.forming import admission
from plan.leaving import blockers, outcomes
from plan.recovery.quorum import RESTART_AGENT
from state.cluster import ClusterView, Member
from state.view import Peers, View
from steps.plan import Plan
from values.status import StatusText


def left_member(lxd: ClusterView, peers: Peers) -> Member | None:
    """What a failed join with this member's token left in the cluster."""
    token = peers.own.token
    return admission.left_by_failed_join(token, lxd, peers) if token else None


def uncertain_member(lxd: ClusterView, peers: Peers) -> Member | None:
    """The member of a join that may have failed unnoticed, if no other member is up.

    While a hook fails, Juju's agent keeps the other units' data as they were (its
    uniter/runner/context/cache.go). It reads them again only after a restart.
    """
    token = peers.own.token
    if token is None or any(m.up for m in lxd.members if m != lxd.own):
        return None
    return admission.may_have_failed(token, lxd, peers)


def held_until_known(view: View, member: Member) -> Plan:
    """The unit stays until that member is back, or until it learns that the join failed."""
    cure = _cure(member)
    why = blockers.all_reasons(view, (cure,))
    why += f"\nTo restart it, type on this unit's machine: {RESTART_AGENT}"
    return outcomes.held(blockers.cannot_leave(view.unit, (cure,)), why)


def _cure(member: Member) -> StatusText:
    return f"{member.name} is down: start it, or restart this unit's agent"
