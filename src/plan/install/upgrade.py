# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Another LXD snap for a member: when it may be installed, and what to do before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from plan import cluster_change
from plan.install import versions
from plan.storage import file_systems, zfs_tools
from records import exchange, member_marks, member_units
from state.cluster import ClusterView, Member
from state.facts import Resource
from state.peers import UnitData
from state.unresponsive import Unresponsive, UnresponsiveReason
from state.view import Peers, View
from steps.install import BackupDatabase, InstallSnapFile
from steps.plan import Plan, Step
from steps.server import WriteNotes
from values import lxd_versions
from values.status import Status, blocked, names, waiting


def of_file(view: View, resource: Resource) -> Plan | None:
    """The plan for an attached snap that is not the installed one.

    None if LXD does not answer for another reason than an exchange that has begun: then that reason
    comes first.
    """
    if refused := versions.refused_file(view):
        return Plan(refused)
    if isinstance(view.lxd, Unresponsive) and not _may_exchange(view, view.lxd, resource):
        return None
    if isinstance(view.lxd, ClusterView) and (
        waiting_plan := _waiting_plan(view, view.lxd, resource)
    ):
        return waiting_plan
    return Plan(waiting("to exchange the LXD snap"), _steps(view, resource))


def of_leaving_unit(view: View) -> tuple[Step, ...]:
    """A leaving unit's steps for an exchange that the other members cannot finish without it.

    While they wait, no member takes its instances, and the database may have no quorum.
    """
    resource, snap = view.resource, view.snap
    if view.peers is None or resource is None or snap.same_as_resource:
        return ()
    if not _is_awaited(view, view.peers) or lxd_versions.same(versions.running(view), snap.offered):
        return ()
    return _steps(view, resource) if snap.installed and _can_use(view) else ()


def _can_use(view: View) -> bool:
    """Whether a leaving member's machine can use the attached file."""
    if not fits(view):
        return False
    if not isinstance(view.lxd, ClusterView):
        return True
    return view.lxd.server.clustered and _with_buckets(view, view.lxd) is None


def _is_awaited(view: View, peers: Peers) -> bool:
    """Whether other members have exchanged their LXD for a file that this unit has not installed.

    If the release differs, they wait for this member, even if its unit was removed meanwhile.
    """
    if _may_be_behind(view, peers.own):
        return True
    file = peers.own.attached
    if not file:
        return False
    return _has_noted(view) or any(d.cluster and d.snap == file for d in peers.others.values())


def _may_be_behind(view: View, own: UnitData) -> bool:
    """Whether this member waits for others that may have exchanged their LXD for a later file.

    This unit does not see that in their data: while its hook fails, it reads no new data.
    """
    if not isinstance(view.lxd, Unresponsive) or view.resource is None:
        return False
    waits = view.lxd.reason is UnresponsiveReason.OTHER_VERSIONS
    files = {own.attached, own.snap} - {""}
    return waits and bool(files) and view.resource.digest not in files


def _has_noted(view: View) -> bool:
    """Whether a member has noted in LXD's database that it exchanges its LXD for this release."""
    return isinstance(view.lxd, ClusterView) and exchange.begun(view.snap.offered, view.lxd)


def _may_exchange(view: View, lxd: Unresponsive, resource: Resource) -> bool:
    """Whether an LXD that does not answer may be exchanged.

    The database loses its quorum once most members have exchanged theirs and wait for the rest.
    Another snap may also cure a daemon that does not start.
    """
    member = view.peers is not None and bool(view.peers.own.cluster)
    return (
        _has_begun(view, resource)
        or lxd.reason is UnresponsiveReason.STOPPED
        or not member
        or _can_finish(view, lxd, resource)
    )


def _can_finish(view: View, lxd: Unresponsive, resource: Resource) -> bool:
    """Whether the members have several versions, and all can get the attached one.

    Somebody has refreshed some of them by hand, and these wait for the others.
    """
    if lxd.reason is not UnresponsiveReason.OTHER_VERSIONS or view.peers is None:
        return False
    members = [d for d in view.peers.others.values() if d.cluster]
    return all(
        (d.attached == resource.digest and d.fits) or _has_exchanged(d, view, resource)
        for d in members
    )


def _has_begun(view: View, resource: Resource) -> bool:
    """Whether another member has exchanged its LXD, or a member has noted that it is about to."""
    others = view.peers.others.values() if view.peers else ()
    return _has_noted(view) or any(d.cluster and _has_exchanged(d, view, resource) for d in others)


def _has_exchanged(data: UnitData, view: View, resource: Resource) -> bool:
    """Whether another unit has exchanged its LXD: for the file, or by hand for the same release."""
    offered = view.snap.offered
    other = not lxd_versions.same(versions.running(view), offered)
    return data.snap == resource.digest or (other and lxd_versions.same(data.package, offered))


def _waiting_plan(view: View, lxd: ClusterView, resource: Resource) -> Plan | None:
    """Why the exchange waits. All members must run one version before any of them continues.

    LXD does not wait for an evacuated member: the others would change the database without it, and
    its own LXD could not open it any more. A leaving unit exchanges its LXD only if others have
    begun.
    """
    if not lxd.server.clustered:
        return None
    status = (
        _incomplete(view, lxd, resource)
        or _with_buckets(view, lxd)
        or _without_pools(view, lxd)
        or _without_unit(view, lxd, resource)
        or _unready(view, lxd, resource)
        or _not_its_turn(view, lxd, resource)
    )
    return Plan(status) if status else None


def _incomplete(view: View, lxd: ClusterView, resource: Resource) -> Status | None:
    """Waiting while a member leaves, is evacuated, or is down.

    This member does not wait for a leaving one if members have exchanged their LXD for another
    release: the leaving one may be among them, and then it waits for this one.
    """
    leavers = member_marks.about_to_leave(lxd) & {m.name for m in lxd.members}
    other = not lxd_versions.same(versions.running(view), view.snap.offered)
    if leavers and not (other and _has_begun(view, resource)):
        return waiting(f"to exchange the LXD snap until {names(leavers)} has left")
    if evacuated := [m.name for m in lxd.members if m.status == "EVACUATED"]:
        return waiting(f"to exchange the LXD snap: lxc cluster restore {min(evacuated)}")
    if down := _down(lxd, view.peers, resource):
        return waiting(f"to exchange the LXD snap until {names(down)} is back")
    return None


def _without_unit(view: View, lxd: ClusterView, resource: Resource) -> Status | None:
    """Waiting for a member without a unit, because nobody would exchange its LXD.

    The others would wait for it, and their API would not answer. This does not apply if an operator
    has already given it the new version.
    """
    if view.peers is None or lxd_versions.same(versions.running(view), view.snap.offered):
        return None
    outside_queue = cluster_change.members_outside_queue(view, lxd, view.peers)
    # Juju has these units: they are about to leave, and have no place in the queue any more.
    with_unit = {lxd.member_of(d): d for d in view.peers.others.values() if d.cluster}
    older = _older(outside_queue, with_unit, view, resource)
    if leavers := [m.name for m in older if m in with_unit]:
        return waiting(f"to exchange the LXD snap until {leavers[0]} has left")
    return _to_be_removed(older[0], lxd) if older else None


def _older(
    members: Iterable[Member],
    with_unit: Mapping[Member | None, UnitData],
    view: View,
    resource: Resource,
) -> list[Member]:
    """The members that have an older LXD. LXD 5.0 never calls a member newer: its unit does."""
    exchanged = [m for m, data in with_unit.items() if _has_exchanged(data, view, resource)]
    return [m for m in members if not m.newer and m not in exchanged]


def _to_be_removed(member: Member, lxd: ClusterView) -> Status:
    """What the operator must do with a member that has no unit, and an older LXD."""
    if cluster_change.has_only_copy(member.name, lxd):
        return blocked(cluster_change.only_copy(member.name))
    cure = "empty it, then lxc cluster remove it"
    return waiting(f"to exchange LXD: {member.name} has no unit: {cure}")


def fits(view: View) -> bool:
    """Whether this machine can install the attached file, and use its pools with it."""
    if versions.refused_file(view) is not None:
        return False
    if not isinstance(view.lxd, ClusterView):
        return True
    return _without_pools(view, view.lxd) is None


def _without_pools(view: View, lxd: ClusterView) -> Status | None:
    """Blocked if the attached LXD could not use a pool here, or could not start without it.

    A daemon of another release changes all pools when it starts for the first time, and ends if one
    of them cannot be used (`Patch` in LXD's pool_load.go, 5.0 to 6.9).
    """
    before, offered = versions.running(view), view.snap.offered
    if refused := file_systems.without_admin_key_after(view, lxd, before, offered):
        return refused
    if refused := zfs_tools.lacking_after(lxd, offered):
        return refused
    # The other LXD may have the tools that this one lacks.
    gone = sorted(lxd.unavailable.keys() - zfs_tools.pools_without(lxd))
    if not gone or lxd_versions.same(before, offered):
        return None
    number = lxd_versions.shown(offered)
    return blocked(f"LXD {number} does not start without the pool {gone[0]}: bring it back")


def _unready(view: View, lxd: ClusterView, resource: Resource) -> Status | None:
    """Why the exchange for another release waits for the members' units.

    Once a member has the other release, it waits for all others, and soon no API answers. So each
    unit first says that it has the file, and that its machine can install it. A unit in error, one
    without an agent and one of an older charm say nothing.
    """
    offered = view.snap.offered
    if view.peers is None or lxd_versions.same(versions.running(view), offered):
        return None
    outdated = _outdated(view.peers, lxd, view, resource)
    with_file = {u: d for u, d in outdated.items() if d.attached == resource.digest}
    if unfit := [unit for unit, data in with_file.items() if not data.fits]:
        return blocked(f"{min(unfit)} cannot install the attached LXD: see its status")
    if without := [*(outdated.keys() - with_file.keys()), *_without_data(view.peers, lxd)]:
        return waiting(f"to exchange LXD until these have the file: {names(without)}")
    return None


def _without_data(peers: Peers, lxd: ClusterView) -> set[str]:
    """Units with a place in the queue and a member, whose data are not here.

    A unit that has just joined has not published its data yet. A unit that is removed, and held,
    publishes nothing any more: it would not learn of the exchange, and the others would wait for
    its member.
    """
    known = {m.name for data in peers.others.values() if (m := lxd.member_of(data))}
    others = [m for m in lxd.members if m.name not in {*known, lxd.server.name} and not m.newer]
    queued = {entry.unit for entry in peers.app.queue}
    return {unit for m in others if (unit := member_units.unit_of(m, lxd)) in queued}


def _outdated(
    peers: Peers, lxd: ClusterView, view: View, resource: Resource
) -> dict[str, UnitData]:
    """The other units that have a member without the attached LXD."""
    return {u: d for u, d in peers.others.items() if _is_outdated(d, lxd, view, resource)}


def _is_outdated(data: UnitData, lxd: ClusterView, view: View, resource: Resource) -> bool:
    member = lxd.member_of(data)
    return member is not None and not (_has_exchanged(data, view, resource) or member.newer)


def _with_buckets(view: View, lxd: ClusterView) -> Status | None:
    """Blocked for buckets that the other LXD does not have any more."""
    after = view.snap.offered
    if not lxd.buckets or not lxd_versions.ends_buckets(versions.running(view), after):
        return None
    bucket = min(f"{b.pool}/{b.name} on {b.location}" for b in lxd.buckets)
    number = lxd_versions.number(after)
    return blocked(f"LXD {number} has no local buckets: copy and delete {bucket}")


def _not_its_turn(view: View, lxd: ClusterView, resource: Resource) -> Status | None:
    """Waiting for the member before this one, if the members go one after the other."""
    one_by_one = lxd_versions.same(versions.running(view), view.snap.offered)
    if one_by_one and (first := _first_member(view, lxd, resource)):
        return waiting(f"to exchange the LXD snap after {first}")
    return None


def _first_member(view: View, lxd: ClusterView, resource: Resource) -> str:
    """The member or unit that must exchange its LXD before this one, empty if there is none.

    If the members need not wait for one another, one at a time keeps the quorum.

    After all daemons restarted in the same second, a Raft leader of 5.0.2 sent no heartbeats any
    more (seen once, five members).
    """
    if down := [m.name for m in lxd.members if not (m.online or m.blocked)]:
        return min(down)
    others: Mapping[str, UnitData] = view.peers.others if view.peers else {}
    return min(
        (u for u in others if u < view.unit and _waits(others[u], lxd, resource)), default=""
    )


def _waits(data: UnitData, lxd: ClusterView, resource: Resource) -> bool:
    """Whether another unit has a member, and has not installed the file there."""
    member = lxd.member_of(data)
    return member is not None and not member.newer and data.snap != resource.digest


def _down(lxd: ClusterView, peers: Peers | None, resource: Resource) -> set[str]:
    """Members that are down for another reason than a finished exchange."""
    others = peers.others.values() if peers else ()
    exchanging = {m.name for d in others if d.snap == resource.digest and (m := lxd.member_of(d))}
    return {m.name for m in lxd.members if not (m.online or m.blocked)} - exchanging


def _steps(view: View, resource: Resource) -> tuple[Step, ...]:
    install = InstallSnapFile(resource.path)
    if view.peers is None or not view.peers.own.cluster:
        return (install,)
    before, after = versions.running(view), view.snap.offered
    noting = () if lxd_versions.same(before, after) else _noting(view)
    if not lxd_versions.changes_database(before, after):
        return (*noting, install)
    return (*noting, BackupDatabase(lxd_versions.number(after)), install)


def _noting(view: View) -> tuple[Step, ...]:
    """The note for members that do not learn of the exchange from the peers' data."""
    lxd = view.lxd
    if not isinstance(lxd, ClusterView) or lxd.own is None:
        return ()
    return exchange.beginning(lxd.own, view.snap.offered, lxd)


def outdated_note(view: View, lxd: ClusterView, member: Member) -> list[WriteNotes]:
    """Clears this member's note once its LXD answers with the attached file installed."""
    to_install = view.resource is not None and not view.snap.same_as_resource
    return exchange.outdated(member, view.snap.offered if to_install else "", lxd)
