"""From what a unit sees to what it does: a pure function, without I/O, clock or randomness."""

from __future__ import annotations

from dataclasses import replace

import joining
import leading
import leaving
import listening
import membership
import silence
from peers import UnitData
from status import Kind, blocked, waiting
from steps import InstallSnap, InstallSnapFile, MakeKey, Plan, WriteCeph, WriteOvn
from view import Lxd, Peers, Resource, Silent, View


def make_plan(view: View) -> Plan:
    """The steps that are due on this unit, or the reason why none may be taken."""
    if view.leaving:
        return leaving.of_leaver(view)
    if view.peers is not None and view.peers.newer:
        return Plan(waiting("for the refresh of the charm: other units run a newer one"))
    installing = _install(view)
    if installing is not None:
        return _with_peers(view, installing)
    if view.lxd is None:
        return _with_peers(view, Plan(waiting("for LXD")))
    if isinstance(view.lxd, Silent):
        deaf = listening.of_silent(view, view.lxd)
        return _with_peers(view, deaf or silence.of_silent(view, view.lxd))
    if not view.public_key:
        return _with_peers(view, Plan(waiting("for its key"), (MakeKey(),)))
    if view.peers is None:
        return Plan(waiting("for the peer relation"))
    if view.ceph and view.ceph.ready and not view.ceph.written:
        return _with_peers(view, Plan(waiting("for Ceph"), (WriteCeph(view.ceph),)))
    if view.ovn and view.ovn.key and not view.ovn.written:
        return _with_peers(view, Plan(waiting("for OVN"), (WriteOvn(view.ovn),)))
    return _with_peers(view, _clustering(view, view.lxd, view.peers))


def _clustering(view: View, lxd: Lxd, peers: Peers) -> Plan:
    own = _own(view, lxd, peers)
    if lxd.server.clustered:
        return membership.of_member(view, lxd, peers, own)
    return joining.of_outsider(view, lxd, peers, own)


def _own(view: View, lxd: Lxd | None, peers: Peers) -> UnitData:
    """What this unit can say of itself before anything is decided."""
    place = next((p for p in peers.app.queue if p.unit == view.unit), None)
    attempt = max(peers.own.attempt, place.attempt if place else 0)
    own = peers.own.model_copy(
        update={
            "key": view.public_key,
            "lxd": lxd.server.version if lxd else peers.own.lxd,
            "revision": view.snap.revision,
            "snap": _installed_file(view, peers),
            "able": False,
            "problem": "",
            "attempt": attempt + (1 if view.events.join_failure else 0),
        }
    )
    if lxd is None and (peers.own.cluster or view.forming):
        # By its name the others know whose member this is: it does not follow a new hostname.
        return own
    return own.model_copy(update={"name": view.hostname, "address": view.cluster_address})


def _installed_file(view: View, peers: Peers) -> str:
    if view.resource is None:
        return ""
    return view.resource.digest if view.snap.same_as_resource else peers.own.snap


def _with_peers(view: View, plan: Plan) -> Plan:
    """Adds what is told whatever the unit's state is: its data and, by the leader, all others'."""
    if view.peers is None:
        return plan
    lxd = view.lxd if isinstance(view.lxd, Lxd) else None
    own = _worth_writing(plan.own or _own(view, lxd, view.peers), view.peers)
    if not view.leader:
        return replace(plan, own=own)
    app = leading.application_data(view, view.peers, own)
    blocking = plan.status if plan.status.kind is Kind.BLOCKED else None
    summary = blocking or leading.application_status(view, view.peers, own, app)
    return replace(plan, own=own, app=app, app_status=summary)


def _worth_writing(own: UnitData, peers: Peers) -> UnitData:
    """What is of no use any more is taken away with the next write: a used token, old offers.

    Alone it is not worth waking all others.
    """
    before = peers.own
    user = peers.others.get(before.token.unit) if before.token else None
    used = user is not None and bool(user.cluster)
    kept = before.offers if own.offers == before.offers else {}
    rest = {"token": None if used else before.token, "offers": kept}
    return before if own == before.model_copy(update=rest) else own


def _install(view: View) -> Plan | None:
    """The plan while LXD's snap is not what it should be, None when it is."""
    snap = view.snap
    if not snap.snapd:
        return Plan(blocked("snapd is missing: run apt install snapd on this machine"))
    if snap.deb:
        return Plan(blocked("LXD is here as a deb: apt purge lxd, its data moved or given up"))
    if not snap.installed or snap.unfinished:
        resource = view.resource
        step = (
            InstallSnapFile(resource.path) if resource else InstallSnap(view.options.snap_channel)
        )
        return Plan(waiting("for the LXD snap"), (step,))
    if view.resource is None or snap.same_as_resource:
        return None
    return _exchange_snap(view, view.resource)


def _exchange_snap(view: View, resource: Resource) -> Plan:
    """All members must run one version: no exchange while one is down for another reason.

    A member that has the new snap already is down because it waits for the others.
    """
    if view.peers is not None and isinstance(view.lxd, Lxd):
        exchanging = {d.name for d in view.peers.others.values() if d.snap == resource.digest}
        down = {m.name for m in view.lxd.members if not m.online} - exchanging
        if down:
            names = ", ".join(sorted(down))
            return Plan(waiting(f"to exchange the LXD snap until {names} is back"))
    return Plan(waiting("to exchange the LXD snap"), (InstallSnapFile(resource.path),))
