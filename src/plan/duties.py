# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Which unit is the coordinator, and which one is the token issuer.

Each unit finds that out by itself, from the queue and LXD's list of members. Juju's leader has
neither duty, because it may not be a member. It only handles orphaned members, because it knows
which units Juju has.
"""

from __future__ import annotations

from collections.abc import Mapping

from records import member_marks
from state.cluster import ClusterView, Member
from state.peers import UnitData
from state.view import Peers
from values import lxd_versions


def is_coordinator(unit: str, peers: Peers, lxd: ClusterView) -> bool:
    """Whether this unit, which is a member, is the coordinator."""
    return unit == coordinator(unit, peers, lxd)


def coordinator(unit: str, peers: Peers, lxd: ClusterView) -> str:
    """The first unit of the queue whose member serves. `unit` is this unit.

    While the members have several versions of LXD, none serves, but those with an older one still
    answer. Then one of these coordinates: it must remove a dead member that all wait for.
    """
    # This includes a unit with an older charm, which publishes the certificate as the identity.
    members = {u: d for u, d in peers.others.items() if d.cluster}
    serving = _serving(unit, lxd, members) or _blocked(unit, lxd, members)
    first = (entry.unit for entry in peers.app.queue if entry.unit in serving)
    return next(first, "") or min(_unqueued(serving, peers), default="")


def handles_orphans(unit: str, *, leads: bool, peers: Peers | None, lxd: ClusterView) -> bool:
    """Whether this unit, which is a member, handles orphaned members.

    Juju's leader does. If it cannot, it delegates that to the coordinator. `leads` says whether
    this unit is the leader.
    """
    if leads or peers is None or not peers.app.delegated:
        return leads
    return is_coordinator(unit, peers, lxd)


def is_token_issuer(unit: str, peers: Peers, lxd: ClusterView) -> bool:
    """Whether this unit, which is a member, admits the units that wait to join."""
    return unit == token_issuer(unit, peers, lxd)


def token_issuer(unit: str, peers: Peers, lxd: ClusterView) -> str:
    """The last unit of the queue whose member serves. `unit` is this unit."""
    serving = _serving(unit, lxd, {u: d for u, d in peers.others.items() if d.cluster})
    known = {u for u in serving if u == unit or peers.others[u].cluster == lxd.identity}
    last = (entry.unit for entry in reversed(peers.app.queue) if entry.unit in known)
    return next(last, "") or max(_unqueued(serving, peers), default="")


def _serving(unit: str, lxd: ClusterView, members: Mapping[str, UnitData]) -> set[str]:
    """The units whose members serve. `unit` is this one, `members` are the other members' data.

    LXD 5.0 calls a daemon online although it waits for the others' version and answers nothing.
    Such a unit does not count: the version that it has installed is not the one that answered last.
    """
    found = _answering(unit, lxd, members)
    return {u for u, member in found.items() if member_marks.serves(member, lxd)}


def _blocked(unit: str, lxd: ClusterView, members: Mapping[str, UnitData]) -> set[str]:
    """The units whose members stay, and answer although LXD calls them blocked."""
    found = _answering(unit, lxd, members).items()
    leaving = member_marks.leaving(lxd)
    return {u for u, m in found if m and m.blocked and not m.newer and m.name not in leaving}


def _answering(
    unit: str, lxd: ClusterView, members: Mapping[str, UnitData]
) -> dict[str, Member | None]:
    """By unit: its member, without those that have another LXD than the one that answered last."""
    found = {u: lxd.member_of(d) for u, d in members.items() if not _is_exchanging(d)}
    found[unit] = lxd.own
    return found


def _is_exchanging(data: UnitData) -> bool:
    installed, ran = lxd_versions.ordered(data.package), lxd_versions.ordered(data.lxd)
    return bool(installed and ran) and installed != ran


def _unqueued(serving: set[str], peers: Peers) -> set[str]:
    """The serving units without a place in the queue: they count only if no queued unit serves."""
    return serving - {entry.unit for entry in peers.app.queue}
