# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A Raft leader that sends no heartbeats: its own unit reloads its daemon.

After the daemons of five members had restarted in the same second, the Raft leader of LXD 5.0.2
sent none for five minutes (seen once): LXD called all members offline, including the leader,
although all answered. The database works meanwhile, so the voters elect no other leader. Once the
leader's daemon restarts, another member becomes the leader.
"""

from __future__ import annotations

import deadlines
from records import member_marks, member_units
from state.cluster import ClusterView, Member
from state.view import Peers, View
from steps.plan import Step
from steps.server import RestartLxd, WriteNotes
from values.numbers import whole
from values.status import Status, blocked, waiting


def leader_without_heartbeats(lxd: ClusterView) -> Member | None:
    """The Raft leader, if LXD calls it offline: it is up, and has sent no heartbeats."""
    leader = next((m for m in lxd.members if m.leads), None)
    if leader is None or not (leader.offline or _without_heartbeats_while_evacuated(leader, lxd)):
        return None
    return leader


def _without_heartbeats_while_evacuated(leader: Member, lxd: ClusterView) -> bool:
    """Whether an evacuated Raft leader sends no heartbeats. LXD does not call it offline.

    Only the leader's own unit finds out: the other members answer it. The other units read its
    note.
    """
    if not leader.evacuated:
        return False
    return bool(
        lxd.without_heartbeat
        if leader == lxd.own
        else lxd.notes.get(member_marks.WITHOUT_HEARTBEATS + leader.name)
    )


def steps(view: View, lxd: ClusterView, member: Member) -> tuple[Step, ...]:
    """This unit's steps if its `member` is that leader: it waits, then reloads the daemon.

    The reload is noted before it begins, so that no second one follows soon, even if it fails.
    """
    note = member_marks.WITHOUT_HEARTBEATS + member.name
    reloaded_note = member_marks.RELOADED + member.name
    if leader_without_heartbeats(lxd) != member:
        return (WriteNotes({note: ""}),) if lxd.notes.get(note) else ()
    since = _time(note, lxd)
    if since is None or since > view.now:
        return (WriteNotes({note: f"{view.now:.0f}"}),)
    if view.now - since < deadlines.WITHOUT_HEARTBEATS or _pause(view, lxd, member) > 0:
        return ()
    return WriteNotes({reloaded_note: f"{view.now:.0f}", note: ""}), RestartLxd()


def status(view: View, lxd: ClusterView, peers: Peers) -> Status | None:
    """Why LXD calls members offline that answer, with the cure. None if it does not."""
    if lxd.clock_ahead:
        return _of_clocks(lxd)
    leader = leader_without_heartbeats(lxd)
    if leader is None:
        return None
    fault = f"Raft leader {leader.name} sends no heartbeats"
    unit = member_units.unit_of(leader, lxd)
    pause = _pause(view, lxd, leader)
    if pause > 0:
        return waiting(f"{fault}: LXD was reloaded, again in {pause / 60:.0f} min")
    if leader == lxd.own:
        return waiting(f"{fault}: LXD is reloaded if that lasts")
    if _runs_hooks(unit, leader, view, lxd, peers):
        return waiting(f"{fault}: {unit} reloads its LXD")
    return blocked(f"{fault}; there: snap restart --reload lxd")


def _of_clocks(lxd: ClusterView) -> Status:
    """Blocked until the clocks are right: LXD here can neither admit nor change anything."""
    leader = next((m.name for m in lxd.members if m.leads), "the Raft leader")
    # Without the seconds: a status that changes in each hook would always trigger other hooks.
    return blocked(f"the clock here is ahead of {leader}'s: see timedatectl on both")


def _runs_hooks(unit: str, member: Member, view: View, lxd: ClusterView, peers: Peers) -> bool:
    """Whether a member's unit can reload its LXD: it exists, and was not removed by force.

    A leaving unit has no place in the queue any more. Its hooks run until it may go.
    """
    if view.units is not None:
        return unit in view.units.in_juju
    queued = unit in {entry.unit for entry in peers.app.queue}
    return queued or (unit != "" and member.name in member_marks.leaving(lxd))


def _pause(view: View, lxd: ClusterView, member: Member) -> float:
    """Seconds until the member may be reloaded again, 0 if it may now.

    A clock that went back does not make the pause longer.
    """
    last = _time(member_marks.RELOADED + member.name, lxd)
    if last is None or last > view.now:
        return 0.0
    return max(0.0, last + deadlines.RELOAD_AGAIN - view.now)


def _time(key: str, lxd: ClusterView) -> float | None:
    noted = whole(lxd.notes.get(key, ""))
    return None if noted is None else float(noted)
