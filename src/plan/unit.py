# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""From a unit's view to its steps: a pure function, without I/O, clock or randomness."""

from __future__ import annotations

from dataclasses import replace

from plan import leader, member
from plan.addresses import listening
from plan.forming import identity, joining, member_names
from plan.install import disabled_snap, existing_lxd, removed_snap, upgrade, versions
from plan.leaving import outside, removal
from plan.recovery import unresponsive
from plan.storage import ceph_access
from relations import ovn
from state.cluster import ClusterView
from state.facts import Resource, SnapFacts
from state.peers import UnitData
from state.unresponsive import Unresponsive
from state.view import Peers, View
from steps.forming import MakeKey
from steps.install import InstallSnap, InstallSnapFile
from steps.networks import WriteOvn
from steps.plan import Plan
from steps.storage import WriteCeph
from values.status import Kind, Status, blocked, names, waiting


def make_plan(view: View) -> Plan:
    """The steps that are due on this unit, or the reason why there are none."""
    if view.neighbour:
        return _second_unit(view, view.neighbour)
    if view.leaving:
        return removal.plan_removal(view)
    if view.peers is not None and (unread := _unreadable(view.peers)):
        return Plan(unread, app_status=unread if view.leader else None)
    return _with_peers(view, _after_removal(view) or _install(view) or _with_lxd(view))


def _after_removal(view: View) -> Plan | None:
    """The plan of a unit that stays although the cluster has removed its member.

    Its machine may still give out addresses of the cluster's networks: that ends first.
    """
    if isinstance(view.lxd, ClusterView) and view.lxd.server.clustered:
        return None
    due = outside.networks_ended(view)
    return Plan(waiting("to end the DHCP of the cluster's networks"), due) if due else None


def _second_unit(view: View, neighbour: str) -> Plan:
    """The plan of a second unit on one machine: LXD and the member belong to the first one."""
    if view.leaving:
        return Plan(waiting("to be removed; LXD stays for the other unit of this machine"))
    status = blocked(f"{neighbour} has this machine and its LXD: remove this unit")
    return _with_peers(view, Plan(status, own=UnitData()))


def _unreadable(peers: Peers) -> Status | None:
    """Why the unit must do nothing: another unit wrote data that this charm cannot read."""
    if peers.newer:
        newer = names(peers.newer_units) or "the application"
        return waiting(f"for the refresh of the charm: {newer} has a newer one")
    if key := peers.app.invalid_key:
        # If the key counted as empty, a second cluster could be made.
        return blocked(f"the application's {key} cannot be read: refresh the charm")
    return None


def _with_lxd(view: View) -> Plan:
    """The plan of a unit whose machine has the right LXD."""
    if view.lxd is None:
        return Plan(waiting("for LXD"))
    if isinstance(view.lxd, Unresponsive):
        own = _own_data(view, None, view.peers) if view.peers else UnitData()
        without_listener = listening.plan_without_listener(view, view.lxd)
        return without_listener or unresponsive.plan_unresponsive(view, view.lxd, own)
    if due := unresponsive.noting(view):
        return Plan(waiting("for LXD"), due)
    if not view.public_key:
        return Plan(waiting("for its key"), (MakeKey(),))
    if view.peers is None:
        return Plan(waiting("for the peer relation"))
    return _with_access(view) or _clustering(view, view.lxd, view.peers)


def _with_access(view: View) -> Plan | None:
    """The plan until the files for a Ceph and an OVN are written, None once they are."""
    of_ovn = ovn.RELATION.of(view)
    if of_ceph := ceph_access.to_write(view):
        return Plan(waiting("for Ceph"), (WriteCeph(of_ceph),))
    if of_ovn and of_ovn.key and not of_ovn.written:
        return Plan(waiting("for OVN"), (WriteOvn(of_ovn),))
    return None


def _clustering(view: View, lxd: ClusterView, peers: Peers) -> Plan:
    own = _own_data(view, lxd, peers)
    if lxd.server.clustered:
        return member.plan_member(view, lxd, peers, own)
    return joining.plan_join(view, lxd, peers, own)


def _own_data(view: View, lxd: ClusterView | None, peers: Peers) -> UnitData:
    """This unit's own data before any decision."""
    own = peers.own.model_copy(
        update={
            "key": view.public_key,
            "package": view.snap.version,
            "arch": view.arch,
            **_of_lxd(lxd, peers.own),
            **_origin(view, peers.own),
            **_of_attached(view),
            "snap": _installed_file(view, peers),
            "able": False,
            "listens": False,
            "silent": None,
            "unsure": lxd is None and view.forming is not None,
            "works": {},
            "problem": "",
            "waits": "",
            "attempt": _attempt(view, peers),
        }
    )
    if lxd is not None:
        return _with_name(view, peers, own)
    if not own.cluster and identity.noted_is_ours(view, peers):
        # It has joined completely, and its hook was killed before it could publish that.
        own = own.model_copy(update={"cluster": view.noted_identity})
    # The others know a member by its name, so it does not follow a new hostname.
    return own if own.cluster or view.forming else _with_name(view, peers, own)


def _with_name(view: View, peers: Peers, own: UnitData) -> UnitData:
    name = member_names.of_unit(view, peers)
    return own.model_copy(update={"name": name, "address": view.cluster_address})


def _of_lxd(lxd: ClusterView | None, own: UnitData) -> dict[str, object]:
    """LXD's version, and the voters that this unit reports as lost: none while LXD answers."""
    if lxd is None:
        return {"lxd": own.lxd, "lost": own.lost, "asked": own.asked}
    return {"lxd": lxd.server.version, "lost": (), "asked": 0.0}


def _of_attached(view: View) -> dict[str, object]:
    """The attached file, until it is installed."""
    if view.resource is None or not _has_other_file(view):
        return {"attached": "", "fits": False}
    return {"attached": view.resource.digest, "fits": upgrade.fits(view)}


def _origin(view: View, own: UnitData) -> dict[str, str]:
    """The revision and the channel of LXD's snap.

    A member whose snap was removed, or replaced by an older one, keeps those of the snap that it
    ran: the only member of a cluster has no other record of what to install again.
    """
    snap = view.snap
    lost = not snap.installed or versions.is_older_than_it_ran(view)
    if own.cluster and lost:
        return {"revision": own.revision, "channel": own.channel}
    return {"revision": snap.revision, "channel": snap.channel}


def _attempt(view: View, peers: Peers) -> int:
    """The number of this unit's join attempt: a failed join or an unused token ends an attempt."""
    entry = next((p for p in peers.app.queue if p.unit == view.unit), None)
    after_failure = view.failures.next_attempt if view.failures else 0
    return max(peers.own.attempt, entry.attempt if entry else 0, after_failure)


def _installed_file(view: View, peers: Peers) -> str:
    if view.resource is None:
        return ""
    return view.resource.digest if view.snap.same_as_resource else peers.own.snap


def _with_peers(view: View, plan: Plan) -> Plan:
    """Adds what is always published: the unit's data and, on the leader, the application's."""
    if view.peers is None:
        return plan
    lxd = view.lxd if isinstance(view.lxd, ClusterView) else None
    own = _without_needless_change(plan.own or _own_data(view, lxd, view.peers), view.peers)
    if not view.leader:
        return replace(plan, own=own)
    app = leader.application_data(view, view.peers, own)
    blocking = plan.status if plan.status.kind is Kind.BLOCKED else None
    summary = blocking or leader.application_status(view, view.peers, own, app)
    return replace(plan, own=own, app=app, app_status=summary)


def _without_needless_change(own: UnitData, peers: Peers) -> UnitData:
    """Keeps a used token or old offers until another value changes.

    Their removal alone must not trigger hooks on all other units.
    """
    before = peers.own
    user = peers.others.get(before.token.unit) if before.token else None
    used = user is not None and bool(user.cluster)
    offers = before.offers if own.offers == before.offers else {}
    removals = {"token": None if used else before.token, "offers": offers}
    return before if own == before.model_copy(update=removals) else own


def _install(view: View) -> Plan | None:
    """The plan while LXD's snap is not as it should be, None if it is."""
    snap = view.snap
    if unusable := _unusable(snap) or removed_snap.status(view):
        return Plan(unusable)
    # Also after an interrupted installation, an exchange needs all checks.
    if snap.installed and (_is_to_exchange(view) or not snap.unfinished):
        return _exchange(view)
    if view.resource is not None and not versions.follows_store(view):
        return _from_file(view, view.resource)
    if snap.installed:
        return _rest_of_installation(view)
    status, due = versions.first_install(view)
    return Plan(status, (due,) if due else ())


def _unusable(snap: SnapFacts) -> Status | None:
    """Why no LXD snap can be on this machine."""
    if not snap.snapd:
        return blocked("snapd is missing: run apt install snapd on this machine")
    if snap.deb:
        return blocked("LXD is here as a deb: use another machine, or move its data and purge it")
    return disabled_snap.status(snap)


def _has_other_file(view: View) -> bool:
    """Whether a snap is attached that is not the installed one."""
    return view.resource is not None and not view.snap.same_as_resource


def _is_to_exchange(view: View) -> bool:
    """Whether the installed snap must become the attached one, as soon as it may."""
    return _has_other_file(view) and not versions.follows_store(view)


def _exchange(view: View) -> Plan | None:
    """The plan for an installed LXD that must become another one, None if it may stay."""
    if (plan := existing_lxd.due(view)) is not None:
        return plan
    if view.resource is None or not _is_to_exchange(view):
        return None
    plan = upgrade.of_file(view, view.resource)
    member = view.peers is not None and bool(view.peers.own.cluster)
    return (
        plan
        if plan is None or plan.steps or not member
        else _while_exchange_waits(view, plan.status)
    )


def _while_exchange_waits(view: View, held: Status) -> Plan:
    """A member's plan while the exchange of its LXD waits.

    Its other work continues: the exchange may wait until the leader has removed a dead member.
    """
    plan = _with_lxd(view)
    is_worse = plan.status.kind is Kind.BLOCKED and held.kind is not Kind.BLOCKED
    return plan if is_worse else replace(plan, status=held)


def _from_file(view: View, resource: Resource) -> Plan:
    """The first installation of the attached snap, or the rest of an interrupted one."""
    refused = versions.refused_file(view) if _has_other_file(view) else None
    step = InstallSnapFile(resource.path)
    return Plan(refused) if refused else Plan(waiting("for the LXD snap"), (step,))


def _rest_of_installation(view: View) -> Plan | None:
    """The rest of an interrupted installation, None for that of a file: it needs the file again."""
    snap = view.snap
    if snap.revision.startswith("x"):
        return None
    step = InstallSnap(snap.channel or view.options.snap_channel, snap.revision)
    return Plan(waiting("for the LXD snap"), (step,))
