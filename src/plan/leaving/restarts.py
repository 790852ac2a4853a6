# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Instances that a leaving unit stopped to move them, and that do not run yet.

A hook may be killed between the stop and the start. Then they must not stay stopped if something
holds the unit, or if the unit is gone before its next hook.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from plan import cluster_change, duties
from plan.leaving import orphaned_members
from records import member_marks, not_running, renames
from state.cluster import ClusterView
from state.lxd_objects import Instance
from state.peers import UnitData
from state.view import Peers, View
from steps.leaving import KeepStopped, RestoreAutostart, StartInstance
from steps.plan import Step
from steps.server import WriteNotes


def due(
    view: View, lxd: ClusterView, member: str, moving: Collection[str] = ()
) -> tuple[Step, ...]:
    """Starts, once, the instances that this unit's `member` stopped, except those `moving`.

    It removes notes that are no longer needed. An instance on a member that is down waits for that
    member.
    """
    stopped = member_marks.stopped(member, lxd.notes)
    return _due(view, lxd, member, stopped, member, moving)


def _due(
    view: View,
    lxd: ClusterView,
    member: str,
    stopped: Mapping[str, str],
    restorable: str,
    moving: Collection[str] = (),
) -> tuple[Step, ...]:
    """The same for the `stopped` instances, each with the member that takes it."""
    if lxd.instances is None:
        return ()
    by_name = {str(i): i for i in lxd.instances}
    left = {
        name: target
        for name, target in stopped.items()
        if name in by_name and _must_run_again(by_name[name], member, target)
    }
    if left != member_marks.stopped(member, lxd.notes):
        return (WriteNotes(member_marks.with_stopped(member, left)),)
    tried = view.history.started | set(moving)
    return tuple(
        StartInstance(i.project, i.name, member, restorable)
        for i in (by_name[name] for name in sorted(left.keys() - tried))
        if _is_up(i.location, lxd)
    )


def _is_up(name: str, lxd: ClusterView) -> bool:
    member = lxd.member(name)
    return member is not None and member.up


def _must_run_again(instance: Instance, member: str, target: str) -> bool:
    """Whether an instance must still run again.

    Somebody else has moved an instance that is on a third member by now. It may still run on a
    machine that is cut off: only an operator can find that out.
    """
    known = not target or instance.location in (member, target)
    return known and not instance.running


def of_gone_units(view: View, lxd: ClusterView, peers: Peers, own: UnitData) -> tuple[Step, ...]:
    """The leader's steps that start what units that are gone have stopped and moved.

    It leaves alone what an older charm has noted, because the age of that note is unknown.
    """
    # The leader itself may leave, and the instances may hold it.
    if not (_handles_orphans(view, lxd) or view.leaving):
        return ()
    gone = _names_of_gone(view, lxd, peers, own)
    noted = {member: member_marks.stopped(member, lxd.notes) for member in gone}
    return tuple(
        step
        for member, stopped in noted.items()
        for step in _due(view, lxd, member, {n: t for n, t in stopped.items() if t}, "")
    )


def kept_stopped(view: View, lxd: ClusterView) -> tuple[Step, ...]:
    """The leader's steps that keep LXD from starting what may still run on a dead machine.

    The hook that moved it may have been killed. An instance that an operator has started since then
    gets its own `boot.autostart` back.
    """
    if not _handles_orphans(view, lxd) or lxd.instances is None:
        return ()
    up = {m.name for m in lxd.members if m.up}
    here = [i for i in lxd.instances if i.location in up]
    restored = [RestoreAutostart(i.project, i.name) for i in here if i.running and i.kept_stopped]
    return (*_keeping_stopped(here, lxd), *restored)


def _keeping_stopped(instances: Iterable[Instance], lxd: ClusterView) -> list[KeepStopped]:
    """Steps for those that left a dead member, do not run, and would start by themselves."""
    dead = not_running.of_dead(lxd.notes)
    stopped = (i for i in instances if str(i) in dead and not i.running)
    return [KeepStopped(i.project, i.name) for i in stopped if i.stopped_by_lxd or i.autostart]


def outdated_notes(view: View, lxd: ClusterView) -> tuple[Step, ...]:
    """The leader's steps that remove instances that run again, or are gone, from the notes."""
    if not _handles_orphans(view, lxd) or lxd.instances is None:
        return ()
    notes = not_running.outdated(lxd.notes, lxd.instances)
    return (WriteNotes(notes),) if notes else ()


def _handles_orphans(view: View, lxd: ClusterView) -> bool:
    return duties.handles_orphans(view.unit, leads=view.leader, peers=view.peers, lxd=lxd)


def _names_of_gone(view: View, lxd: ClusterView, peers: Peers, own: UnitData) -> list[str]:
    """The names of members that noted stopped instances, and whose units run no hook any more.

    Hooks of a unit that Juju has removed may still run for a moment.
    """
    units = cluster_change.units(view, lxd, peers)
    renamed = {r.old for r in renames.pending(lxd.notes, lxd.members, units)}
    noted = sorted(member_marks.members_with_stopped(lxd.notes) - renamed)
    orphaned = orphaned_members.orphaned(view, lxd, peers, own)
    dead = {m.name for m in lxd.members if member_marks.dead(m, view.now, lxd)}
    alive = {m.name for m in lxd.members if not member_marks.belongs_to_operator(m, lxd)} - (
        orphaned & dead
    )
    return [name for name in noted if name not in alive]
