"""What a unit does while its LXD does not answer: wait, reset a hung join, or say what to do."""

from __future__ import annotations

import deadlines
from status import Status, blocked, names, waiting
from steps import Plan, ResetLxd
from view import Peers, Silence, Silent, View


def of_silent(view: View, silent: Silent) -> Plan:
    """The plan of a unit whose LXD is installed and silent."""
    if why := join_failed(view, silent.kind):
        return Plan(waiting("to join again"), (ResetLxd(why),))
    peers = view.peers
    if peers is None:
        return Plan(_by_kind(silent))
    if view.unit in peers.app.removed:
        return Plan(removed())
    return Plan(_moved(view, peers) or _other_snap(view, silent, peers) or _by_kind(silent))


def removed() -> Status:
    """A member that the cluster has no more never rejoins with what it still holds."""
    return blocked("the cluster removed this member: remove this unit, then add another")


def moved(was: str, now: str) -> Status:
    """LXD cannot change a member's address while the cluster runs."""
    return blocked(f"the member's address is {was}, the machine's {now}: give it back")


def join_failed(view: View, kind: Silence) -> str:
    """Why a join that began here will never end, empty if it may or if there is none.

    Of a join that hangs the daemon answers nothing at all. One that only misses its database may
    be a full member of a cluster that has lost its quorum: that one is not to be touched.
    """
    forming = view.forming
    if forming is None or forming.what != "join" or (view.peers and view.peers.own.cluster):
        return ""
    if view.holds_data:
        # It came all the way in, and its unit had no time to say so.
        return ""
    if kind is Silence.HALF_JOINED:
        return "its join was cut short"
    late = view.now - forming.since > deadlines.JOIN
    hangs = kind is Silence.HUNG and late
    return f"its join did not end in {deadlines.JOIN:.0f} s" if hangs else ""


def _moved(view: View, peers: Peers) -> Status | None:
    """A daemon whose address the machine has no more cannot listen, and does not answer."""
    was, now = peers.own.address, view.cluster_address
    return moved(was, now) if peers.own.cluster and was and now and was != now else None


def _other_snap(view: View, silent: Silent, peers: Peers) -> Status | None:
    """LXD waits until all members run one version."""
    if silent.kind is not Silence.NO_DATABASE or not peers.own.cluster:
        return None
    mine = (peers.own.snap, view.snap.revision)
    members = {u: d for u, d in peers.others.items() if d.cluster}
    other = [u for u, d in members.items() if _differ(mine, (d.snap, d.revision))]
    return waiting(f"for the same LXD snap on {names(other)}") if other else None


def _differ(mine: tuple[str, str], theirs: tuple[str, str]) -> bool:
    # Revisions of local files are counted on each machine by itself: their content tells.
    local = mine[0] or theirs[0] or mine[1].startswith("x") or theirs[1].startswith("x")
    return mine[0] != theirs[0] if local else mine[1] != theirs[1]


def _by_kind(silent: Silent) -> Status:
    match silent.kind:
        case Silence.STOPPED | Silence.HALF_JOINED:
            return blocked("LXD is not running here: snap start lxd, or see snap logs lxd")
        case Silence.NO_DATABASE:
            return waiting("LXD's database has no quorum: bring members back or run recover-quorum")
        case Silence.HUNG:
            # A daemon that is started without a quorum of its database does so too.
            return waiting("LXD is silent: snap restart lxd; without a quorum: run recover-quorum")
