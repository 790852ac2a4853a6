# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""What the status of a unit whose LXD answers says about its member."""

from __future__ import annotations

import re
from collections.abc import Iterator

from plan import duties, health, leader
from plan.install import versions
from plan.networks import machine_subnets, overlay_dhcp
from plan.recovery import heartbeats
from plan.storage import daemon_volumes
from state.cluster import ClusterView, Member
from state.peers import Contribution, ParentInterface, UnitData
from state.view import Peers, View
from values.status import Status, active, blocked, waiting

_FRACTION = re.compile(r"\.\d+s\b.*")


def of(
    view: View,
    lxd: ClusterView,
    peers: Peers,
    member: Member,
    own: UnitData,
    known: tuple[Status | None, Status | None],
) -> Status:
    """The first problem, or that the member is healthy.

    `known` are two problems: the first one of this member's own plan, and the first one that the
    coordinator has found.
    """
    problems = _problems(view, lxd, peers, own, known)
    return next(filter(None, problems), None) or _without_problem(view, lxd, member)


def _problems(
    view: View,
    lxd: ClusterView,
    peers: Peers,
    own: UnitData,
    known: tuple[Status | None, Status | None],
) -> Iterator[Status | None]:
    """Why the member is not as it should be. A problem here comes before a problem elsewhere."""
    here, elsewhere = known
    yield heartbeats.status(view, lxd, peers)
    yield _instead_of_leader(view, lxd, peers, own)
    yield health.local_problem(lxd)
    yield here
    yield overlay_dhcp.problem(view, lxd, peers)
    yield _refused_pool(own.offers)
    yield _refused_network(own.links)
    yield machine_subnets.clash(view, own)
    yield elsewhere
    yield daemon_volumes.problem(view, lxd)
    yield _refused_request(lxd)
    yield health.degraded(lxd)


def _instead_of_leader(view: View, lxd: ClusterView, peers: Peers, own: UnitData) -> Status | None:
    """What the application's status cannot say, because Juju's leader does not see the cluster."""
    stands_in = peers.app.delegated and duties.is_coordinator(view.unit, peers, lxd)
    return leader.operator_problem(view, lxd, peers, own) if stands_in and not view.leader else None


def _refused_pool(offers: dict[str, Contribution]) -> Status | None:
    """Blocked while this unit prevents a pool from being made."""
    problems = [c.problem for c in offers.values() if c.problem]
    return blocked(problems[0]) if problems else None


def _refused_network(answers: dict[str, ParentInterface]) -> Status | None:
    """Blocked while this unit prevents a network from being made."""
    problems = [c.problem for c in answers.values() if c.problem]
    return blocked(problems[0]) if problems else None


def _refused_request(lxd: ClusterView) -> Status | None:
    """Blocked if LXD refused a request that the other steps do not need."""
    for request, why in lxd.refusals.items():
        return blocked(f"LXD refuses {request}: {why}")
    return None


def _without_problem(view: View, lxd: ClusterView, member: Member) -> Status:
    """What LXD says about the member."""
    if member.evacuated:
        name = member.name
        return waiting(f"member {name} is evacuated; to use it again: lxc cluster restore {name}")
    if member.blocked and (several := versions.several_versions(lxd)):
        return several
    if not member.online:
        # LXD adds fractions of a second and the date: `No heartbeat for 5m0.18s (2026-11-28 ...)`.
        why = _FRACTION.sub("s", member.message)
        return waiting(f"member {member.name} is {member.status.lower()}: {why}")
    standby = "database-standby" in member.roles
    role = "voter" if member.voter else "stand-by" if standby else "no database role"
    snap_warning = versions.warning(view)
    return active(f"member {member.name}, {role}" + (f"; {snap_warning}" if snap_warning else ""))
