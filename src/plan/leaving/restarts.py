# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Instances that a leaving unit stopped to move them, and that do not run yet.

A hook may be killed between the stop and the start, and whatever holds the unit then must not keep
the instance stopped.
"""

from __future__ import annotations

from collections.abc import Collection

from records import member_marks
from state.cluster import ClusterView
from state.view import View
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
