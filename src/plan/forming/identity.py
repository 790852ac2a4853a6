# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The owner of the cluster that this machine's LXD is in.

A cluster's certificate may change (`lxc cluster update-certificate`, ACME), and its members' names,
too. So each cluster has its own identity. The bootstrap creates it in the cluster's database. Units
publish it to the peers, and each member notes it on its disk.
"""

from __future__ import annotations

import hashlib
from enum import Enum

from records import member_units
from state.cluster import ClusterView
from state.notes import IDENTITY
from state.peers import VERSION
from state.view import Peers, View
from steps.forming import AdoptIdentity, NoteIdentity
from steps.plan import Step
from values.status import Status, StatusText, blocked, names, waiting


class Owner(Enum):
    """The owner of the cluster. The charm does not touch it if the owner is unknown."""

    OURS = "ours"
    ANOTHER = "another's"
    UNKNOWN = "unknown"


def new_identity(fingerprint: str, now: float) -> str:
    """An identity that no other cluster has.

    `fingerprint` is the server's own. A server that was reset keeps its certificate, so the time
    (seconds since the epoch) is part of the identity.
    """
    return hashlib.sha256(f"{fingerprint} {now!r}".encode()).hexdigest()[:32]


def owner(view: View, lxd: ClusterView, peers: Peers) -> Owner:
    """The owner of the cluster that this member's LXD is in."""
    if lxd.identity:
        return Owner.OURS if _is_own(view, lxd, peers) else Owner.ANOTHER
    identities = _known(peers)
    never_joined = not peers.own.cluster and view.forming is None
    if not identities or (never_joined and lxd.server.fingerprint not in identities):
        return Owner.ANOTHER
    return Owner.OURS if _made_by_older_charm(view, lxd, peers) else Owner.UNKNOWN


def _is_own(view: View, lxd: ClusterView, peers: Peers) -> bool:
    if peers.app.cluster:
        # Units may publish two: `take-back` chooses one, also while another unit bootstraps one.
        return lxd.identity == peers.app.cluster
    identities = _known(peers)
    return lxd.identity in identities or (not identities and _bootstraps(view, peers))


def _bootstraps(view: View, peers: Peers) -> bool:
    """Whether this unit is bootstrapping the cluster."""
    return peers.app.bootstrap == view.unit and view.forming is not None


def _known(peers: Peers) -> set[str]:
    others = {d.cluster for unit, d in peers.others.items() if unit in peers.placed}
    return {peers.app.cluster, peers.own.cluster, *others} - {""}


def noted_is_ours(view: View, peers: Peers) -> bool:
    """Whether the disk names our cluster while LXD does not answer.

    The note may be from an earlier unit on this machine, in another cluster.
    """
    return view.noted_identity != "" and (
        view.noted_identity in _known(peers) or _bootstraps(view, peers)
    )


def _made_by_older_charm(view: View, lxd: ClusterView, peers: Peers) -> bool:
    """Whether the cluster is ours, from an older charm that published its fingerprint instead.

    The certificate may have changed since. Then the member's own mark in the database decides.
    """
    if lxd.server.fingerprint in _known(peers):
        return True
    member = lxd.own
    return (
        bool(peers.own.cluster)
        and member is not None
        and (member_units.unit_of(member, lxd) == view.unit)
    )


def foreign(view: View, lxd: ClusterView, peers: Peers) -> StatusText:
    """Why the charm changes nothing here: the cluster is not ours, or may not be. Else empty."""
    match owner(view, lxd, peers):
        case Owner.OURS:
            return ""
        case Owner.ANOTHER:
            return f"LXD here is in another cluster, as member {lxd.server.name}"
        case Owner.UNKNOWN:
            return f"LXD's database has no note {IDENTITY}"


def refusal(view: View, lxd: ClusterView, peers: Peers) -> Status | None:
    """The same as a status, with the cure."""
    why = foreign(view, lxd, peers)
    if not why:
        return None
    app = view.unit.partition("/")[0]
    if view.noted_identity and view.noted_identity == lxd.identity and not _known(peers):
        return blocked(f"LXD here is from an earlier deployment: juju run {app}/leader take-back")
    unknown = owner(view, lxd, peers) is Owner.UNKNOWN
    cure = "see the docs, How to recover" if unknown else "use another machine"
    return blocked(f"{why}: {cure}")


def adopting(lxd: ClusterView, peers: Peers) -> tuple[Status, tuple[Step, ...]] | None:
    """How a cluster of an older charm gets its identity: the published fingerprint.

    None if it has one. All members that are up must run this charm first: an older one keeps its
    notes elsewhere.
    """
    if lxd.identity:
        return None
    cluster = peers.app.cluster or peers.own.cluster
    older = [
        unit
        for unit, data in peers.others.items()
        if data.cluster
        and data.version < VERSION
        and (member := lxd.member_of(data)) is not None
        and member.up
    ]
    if older:
        return waiting(f"for the refresh of the charm on {names(older)}"), ()
    return waiting("for the cluster's identity"), (AdoptIdentity(cluster),)


def noting(view: View, lxd: ClusterView) -> list[Step]:
    """Notes the identity on this machine's disk: without a quorum nobody can read the database."""
    return [] if view.noted_identity == lxd.identity else [NoteIdentity(lxd.identity)]
