# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Instances that a leaving unit stopped to move them, and that do not run yet.

A hook may be killed between the stop and the start. Then they must not stay stopped if something
holds the unit, or if the unit is gone before its next hook.
"""

from __future__ import annotations

from collections.abc import Collection

from plan import cluster_change
from plan.leaving import orphaned_members
from records import member_marks, renames
from state.cluster import ClusterView
from state.peers import UnitData
from state.view import Peers, View
from steps.leaving import StartInstance
from steps.plan import Step
from steps.server import WriteNotes


def due(
    view: View, lxd: ClusterView, member: str, moving: Collection[str] = ()
) -> tuple[Step, ...]:
    """Starts what `member` stopped, where it is now, once. For what runs, the note is removed.

    What is `moving` is left out, and what is on a member that is down waits for it.
    """
    if lxd.instances is None:
        return ()
    stopped = member_marks.stopped(member, lxd.notes)
    by_name = {str(i): i for i in lxd.instances}
    over = {name for name in stopped if name not in by_name or by_name[name].running}
    if over:
        return (WriteNotes(member_marks.with_stopped(member, stopped - over)),)
    up = {m.name for m in lxd.members if m.up}
    left = [by_name[name] for name in sorted(stopped - view.history.started - set(moving))]
    return tuple(StartInstance(i.project, i.name, member) for i in left if i.location in up)


def of_gone(view: View, lxd: ClusterView, peers: Peers, own: UnitData) -> tuple[Step, ...]:
    """The leader does the same for units that are gone, and what they moved before that."""
    # The leader itself may leave, and the instances may hold it.
    if not (view.leader or view.leaving):
        return ()
    gone = _gone(view, lxd, peers, own)
    return tuple(step for member in gone for step in due(view, lxd, member))


def _gone(view: View, lxd: ClusterView, peers: Peers, own: UnitData) -> list[str]:
    """The names under which units have noted what they stopped, and that run no hook any more.

    Hooks of a unit that Juju has removed may still run for a moment.
    """
    units = cluster_change.units(view, lxd, peers)
    renamed = {r.old for r in renames.pending(lxd.notes, lxd.members, units)}
    noted = sorted(member_marks.that_stopped(lxd.notes) - renamed)
    members = {m.name: m for m in lxd.members}
    present = {name: members[name] for name in noted if name in members}
    orphaned = orphaned_members.orphaned(view, lxd, peers, own)
    alive = {
        name
        for name, member in present.items()
        if not member_marks.kept(member, lxd)
        and not (name in orphaned and member_marks.dead(member, view.now, lxd))
    }
    return [name for name in noted if name not in alive]
