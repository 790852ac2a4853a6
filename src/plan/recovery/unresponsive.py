# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Plan for a unit whose LXD does not answer: wait, reset a hung join, or say what to do."""

from __future__ import annotations

import deadlines
from plan.forming import identity
from plan.install import versions
from plan.recovery import quorum
from state.facts import Forming
from state.lxd_objects import OWN_VOLUMES
from state.peers import UnitData, UnresponsiveDatabase
from state.unresponsive import WITHOUT_DATABASE, Unresponsive, UnresponsiveReason
from state.view import RESET, Peers, View
from steps.forming import ResetLxd
from steps.install import StartAgain
from steps.plan import Plan, Step
from steps.server import NoteUnresponsive
from steps.storage import StartWithoutVolume
from values.lxd_versions import number
from values.status import Kind, Status, blocked, names, waiting

_RELOAD = "snap restart --reload lxd; docs: How to recover"

RESET_INTERRUPTED = "its reset was interrupted"


def plan_unresponsive(view: View, lxd: Unresponsive, own: UnitData) -> Plan:
    """The plan of a unit whose LXD is installed and does not answer. `own` are its own data."""
    if why := join_failed(view, lxd.reason):
        return Plan(waiting("to join again"), (ResetLxd(why, own.attempt + 1),), own)
    if lxd.reason is UnresponsiveReason.RECOVERY_INTERRUPTED:
        # The result of the recovery shows once it runs. If it failed, the status asks for it again.
        return Plan(waiting("for LXD to start after an interrupted recovery"), (StartAgain(),), own)
    peers = view.peers
    if peers is None:
        return Plan(_by_reason(view, lxd))
    if view.unit in peers.removed:
        return Plan(removed(), own=own)
    if is_unresponsive_for_long(view) and (cure := start_without_volume(lxd)):
        return Plan(waiting("for LXD, which starts without a volume"), cure, own)
    return _reporting(view, lxd, peers, own)


def _reporting(view: View, lxd: Unresponsive, peers: Peers, own: UnitData) -> Plan:
    """The plan of a unit that can only say why its LXD does not answer."""
    report = database_report(view, peers) if lxd.reason in WITHOUT_DATABASE else None
    own = own.model_copy(update={"silent": report})
    status = (
        _address_changed(view, peers)
        or _other_version(view, lxd, peers)
        or _unmountable(lxd)
        or _expired(view, lxd)
        or _without_any_copy(view, lxd, peers)
        or _by_reason(view, lxd)
    )
    exchanging = lxd.reason is UnresponsiveReason.OTHER_VERSIONS and status.kind is Kind.WAITING
    if is_unresponsive_for_long(view) and not exchanging:
        # LXD may call a member online although its daemon ends again and again.
        own = own.model_copy(update={"problem": status.message})
    return Plan(status, noting(view), own)


def start_without_volume(lxd: Unresponsive) -> tuple[Step, ...]:
    """Lets a daemon start if the volume for its images or backups is gone.

    The volume is the charm's, and its content may be lost. An operator's volume is left alone.
    """
    unmountable = lxd.unmountable
    if unmountable is None or unmountable.volume.rpartition("/")[2] not in OWN_VOLUMES:
        return ()
    return (StartWithoutVolume(unmountable.kind),)


def _unmountable(lxd: Unresponsive) -> Status | None:
    unmountable = lxd.unmountable
    if unmountable is None:
        return None
    if unmountable.without_zfs:
        return blocked("LXD cannot start without tools for zfs: snap set lxd zfs.external=true")
    if unmountable.pool:
        return blocked(f"LXD cannot start without the pool {unmountable.pool}: bring it back")
    volume = unmountable.volume or f"the volume of its {unmountable.kind}"
    return blocked(f"LXD cannot start without {volume}: bring it back")


def _expired(view: View, lxd: Unresponsive) -> Status | None:
    """Blocked if members reject each other's connections: none is lost, so recovery cannot help."""
    if not lxd.expired or not is_unresponsive_for_long(view):
        return None
    return blocked("the cluster's certificate has expired; docs: How to recover")


def noting(view: View) -> tuple[Step, ...]:
    """Notes when LXD stops answering, and when it answers again.

    A note from the future is written again: the machine's clock has gone back.
    """
    is_unresponsive = (
        isinstance(view.lxd, Unresponsive) and view.lxd.reason is not UnresponsiveReason.REFUSED
    )
    since = view.unresponsive_since
    if is_unresponsive == (since is not None) and (since is None or since <= view.now):
        return ()
    return (NoteUnresponsive(view.now if is_unresponsive else None),)


def removed() -> Status:
    """A member that the cluster has removed never joins again with its content."""
    return blocked("the cluster removed this member: remove this unit, then add another")


def address_changed(was: str, now: str) -> Status:
    """LXD cannot change a member's address while the cluster runs."""
    return blocked(f"this machine's address changed from {was} to {now}: change it back")


def join_failed(view: View, reason: UnresponsiveReason) -> str:
    """Why a join that began here will never end, empty if it may end or if there is none.

    During a join that hangs, the daemon answers nothing at all. A daemon that only misses its
    database may be a full member of a cluster that has lost its quorum: the charm must leave it
    alone.
    """
    forming = view.forming
    if forming is None:
        return ""
    if forming.what == RESET:
        return RESET_INTERRUPTED
    if forming.what != "join" or (view.peers and view.peers.own.cluster):
        return ""
    if view.holds_data:
        # It has joined completely, and its unit had no time to publish that.
        return ""
    if reason is UnresponsiveReason.HALF_JOINED:
        return "its join was interrupted"
    return _join_hangs(view, forming, reason)


def _join_hangs(view: View, forming: Forming, reason: UnresponsiveReason) -> str:
    """That the join takes too long, empty if it does not."""
    if view.peers is not None and identity.noted_is_ours(view, view.peers):
        # It has joined, too, and may even be a voter.
        return ""
    hangs = reason in (UnresponsiveReason.HUNG, UnresponsiveReason.STARTING)
    late = hangs and _forming_for(view, forming) > deadlines.JOIN
    return f"its join did not end in {deadlines.JOIN:.0f} s" if late else ""


def _forming_for(view: View, forming: Forming) -> float:
    """The seconds since the join began, or since LXD stopped answering if that is longer.

    The machine's clock may have gone back since it began.
    """
    return view.now - min(forming.since, view.unresponsive_since or forming.since)


def _address_changed(view: View, peers: Peers) -> Status | None:
    """Blocked if the machine no longer has its member's address: the daemon cannot listen.

    A unit that was forming a cluster may be a member that has not published that yet.
    """
    member = bool(peers.own.cluster) or view.forming is not None
    was, now = peers.own.address, view.cluster_address
    return address_changed(was, now) if member and was and now and was != now else None


def _other_version(view: View, lxd: Unresponsive, peers: Peers) -> Status | None:
    """The status if LXD waits until all members run one version: it or their data show that.

    An LXD that is older than the cluster's database does not start at all.
    """
    if not peers.own.cluster:
        return None
    if lxd.reason is UnresponsiveReason.OTHER_VERSIONS:
        return waits_for_versions(view, peers)
    waits = lxd.reason in WITHOUT_DATABASE and _have_other_versions(view, peers)
    behind = lxd.reason is UnresponsiveReason.STOPPED and versions.is_behind(view, peers)
    return versions.waits_for(view, peers) if waits or behind else None


def waits_for_versions(view: View, peers: Peers) -> Status:
    """The status while LXD says that it waits until all members have its version."""
    without_unit = None
    if is_unresponsive_for_long(view):
        without_unit = versions.waits_for_member_without_unit(view, peers)
    return without_unit or versions.waits_for(view, peers)


def _have_other_versions(view: View, peers: Peers) -> bool:
    members = (data for data in peers.others.values() if data.cluster)
    return any(versions.differ(view.snap, peers.own, data) for data in members)


def database_report(view: View, peers: Peers) -> UnresponsiveDatabase | None:
    """This unit's report of its database, for units that may have to recover it.

    It reports this late, or when another unit asks: each change runs hooks on all other units.
    """
    copy, lost = view.database, quorum.treated_as_lost(peers)
    if copy is None or (not lost and not is_unresponsive_for_long(view)):
        return None
    last = quorum.last_entry(peers, copy)
    if last is None:
        return None
    return UnresponsiveDatabase(term=last.term, index=last.index, without=lost)


def _without_any_copy(view: View, lxd: Unresponsive, peers: Peers) -> Status | None:
    """Blocked if no unit has a copy of the database: no action can recover it."""
    if lxd.reason not in WITHOUT_DATABASE or not is_unresponsive_for_long(view):
        return None
    lost = quorum.voters_with_only_copies(view, peers)
    if not lost:
        return None
    return blocked(f"no unit has LXD's database: bring {names(lost)} back, or remove this unit")


def is_unresponsive_for_long(view: View) -> bool:
    """Whether LXD has not answered for longer than it needs to recover by itself."""
    since = view.unresponsive_since
    return since is not None and view.now - since >= deadlines.UNRESPONSIVE


def _without_quorum(view: View) -> Status:
    """The status without a quorum. The cluster of an earlier deployment needs another cure."""
    if view.peers is None or view.peers.own.cluster or view.forming is not None:
        return waiting("LXD's database has no quorum: bring members back or run recover-quorum")
    return blocked("LXD here is in a cluster without a quorum; docs: How to recover")


def _not_running(view: View, lxd: Unresponsive) -> Status:
    """Blocked: what starts the daemon, or why it ends when it starts."""
    if lxd.is_before_database:
        here = number(view.snap.version)
        return blocked(f"LXD {here} is older than its database: snap refresh lxd to a later one")
    if lxd.cause:
        return blocked(f"LXD ends when it starts (snap logs lxd): {lxd.cause}")
    if lxd.reason is UnresponsiveReason.DAMAGED:
        return blocked("LXD's copy of the database here is damaged; docs: How to recover")
    return blocked("LXD is not running here: snap start lxd, or see snap logs lxd")


def _by_reason(view: View, lxd: Unresponsive) -> Status:
    """The status for this reason. It gives advice only after LXD had time to recover."""
    late = is_unresponsive_for_long(view)
    match lxd.reason:
        case (
            UnresponsiveReason.STOPPED
            | UnresponsiveReason.HALF_JOINED
            | UnresponsiveReason.RECOVERY_INTERRUPTED
            | UnresponsiveReason.DAMAGED
        ):
            return _not_running(view, lxd)
        case UnresponsiveReason.REFUSED | UnresponsiveReason.UNMOUNTABLE:
            return blocked(str(lxd))
        case UnresponsiveReason.OTHER_VERSIONS:
            return waiting("for the same LXD on all members")
        case UnresponsiveReason.STARTING if not late:
            return waiting("for LXD, which is starting")
        case UnresponsiveReason.NO_DATABASE if not late:
            return waiting("for LXD's database, which does not answer")
        case UnresponsiveReason.STARTING | UnresponsiveReason.NO_DATABASE:
            return _without_quorum(view)
        case UnresponsiveReason.HUNG | UnresponsiveReason.SOCKET_BLOCKED if not late:
            return waiting("for LXD, which does not answer")
        case UnresponsiveReason.SOCKET_BLOCKED:
            return waiting(f"LXD's socket is blocked: {_RELOAD}")
        case UnresponsiveReason.HUNG:
            return waiting(f"LXD hangs: {_RELOAD}")
