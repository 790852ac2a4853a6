# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""How a leaving member is evacuated: one instance after the other moves, the others keep running.

LXD's own evacuation would move most of it, too. The charm does not use it, for reasons in LXD's
source:
- It stops what it does not move, and leaves that stopped if one instance fails.
- LXD 5.0 and 5.21 crash in it if an instance has a disk that is in no pool.
- LXD 6.x refuses it while another member is evacuated, and to one of two members.
- LXD 5.21 and 6.x refuse it while a network or a pool of the member has not started.
For an instance that it moves, LXD does the same: stop, copy, start.
"""

from __future__ import annotations

from dataclasses import dataclass

from plan.leaving import blockers, migration, restarts
from plan.leaving.blockers import NotTaken, Reason
from records import member_marks, not_running
from state.cluster import CLOSED, ClusterView, Member
from state.lxd_objects import Instance
from state.view import EVERY_MEMBER, View
from steps.leaving import AwaitEvacuation, CloseMember, MoveInstance, NoteUnmoved
from steps.plan import Step
from values import transient_errors

TRIES = 2
"""After this number of failed hooks `on-remove=abandon` leaves an instance behind."""


@dataclass(frozen=True)
class Rest:
    """What is still on a member when nothing more can be done in this hook.

    `stays` cannot move, `later` may move in a later hook, `busy` will move or moves now; each with
    its reason, in words.
    """

    stays: tuple[Reason, ...] = ()
    later: tuple[Reason, ...] = ()
    busy: tuple[str, ...] = ()


def due(view: View, lxd: ClusterView, member: Member) -> tuple[Step, ...]:
    """The next step to empty a member. While LXD evacuates or restores it, the charm only waits.

    A restored instance is back before LXD starts it: if it moved on at once, it would stay stopped.
    """
    if lxd.evacuating:
        return (AwaitEvacuation(member.name),)
    if not member.evacuated and member.scheduler != CLOSED:
        return (CloseMember(member.name),)
    movable = [i for i in blockers.instances(lxd, member) if not migration.obstacle(i, lxd)]
    with_targets = _with_targets(view, lxd, member, movable)
    moving = {str(i) for i, _ in with_targets}
    if again := restarts.due(view, lxd, member.name, moving):
        return again
    if with_targets:
        instance, targets = with_targets[0]
        return (_move(lxd, member, instance, targets[0], len(with_targets) - 1),)
    return _noting_unmoved(view, member, movable)


def _with_targets(
    view: View, lxd: ClusterView, member: Member, movable: list[Instance]
) -> list[tuple[Instance, list[str]]]:
    """The instances that another member may take now, each with the members that may."""
    targets = ((i, _open_targets(view, lxd, member, i)) for i in movable if not i.unknown)
    return [(instance, members) for instance, members in targets if members]


def _noting_unmoved(view: View, member: Member, movable: list[Instance]) -> tuple[Step, ...]:
    """Notes the instances that no member took in this hook, once."""
    failed = {
        n: why
        for n, why in _failed(view, movable).items()
        if n not in view.history.late and not transient_errors.passes(why)
    }
    if failed and not failed.keys() <= view.history.noted:
        return (NoteUnmoved(member.name, failed),)
    return ()


def rest(view: View, lxd: ClusterView, member: Member) -> Rest:
    """What is still on a member, when nothing is `due` for it."""
    fixed = blockers.immovable(lxd, member)
    stays: list[Reason] = [f"{lxd_object}: stays on this machine" for lxd_object in fixed]
    later: list[Reason] = []
    busy: list[str] = []
    failed = _failed(view, blockers.instances(lxd, member))
    tries = member_marks.unmoved(member.name, lxd.notes)
    for instance in blockers.instances(lxd, member):
        name = str(instance)
        if why := migration.obstacle(instance, lxd):
            stays.append(f"{name}: {why}")
        elif migration.absent_targets(instance, lxd, member.name):
            later.append(f"{name}: {migration.no_target_now(instance, lxd, member.name)}")
        elif name in view.history.late:
            busy.append(f"{name}: LXD still moves it, see lxc operation list")
        elif name not in failed:
            stays.append(f"{name}: {migration.no_target(instance)}")
        elif transient_errors.passes(failed[name]):
            busy.append(f"{name}: {failed[name]}")
        elif name in tries and tries[name].times >= TRIES:
            stays.append(NotTaken(name, failed[name], instance.live))
        else:
            later.append(NotTaken(name, failed[name], instance.live))
    return Rest(tuple(stays), tuple(later), tuple(busy))


def _open_targets(view: View, lxd: ClusterView, member: Member, instance: Instance) -> list[str]:
    """The members that may take an instance and have not refused it in this hook."""
    refused = view.history.refused.get(str(instance), {})
    if EVERY_MEMBER in refused:
        return []
    return [t for t in migration.targets(instance, lxd, member.name) if t not in refused]


def _move(
    lxd: ClusterView, member: Member, instance: Instance, target: str, left: int
) -> MoveInstance:
    stopped = str(instance) in member_marks.stopped(member.name, lxd.notes)
    ran = instance.running or stopped or _is_to_run(instance, member, lxd)
    stops = instance.shutdown if instance.running and not instance.live else None
    return MoveInstance(
        instance.project,
        instance.name,
        member.name,
        target,
        ran,
        stops,
        instance.live,
        instance.group,
        migration.may_choose(instance, lxd, member.name),
        left,
    )


def _is_to_run(instance: Instance, member: Member, lxd: ClusterView) -> bool:
    """Whether LXD would start a stopped instance: at the end of an evacuation, or after a boot.

    A machine that boots starts one after the other (instancesStart in instances.go). Only an
    operator may start an instance that may still run on a dead machine.
    """
    if not instance.stopped_by_lxd or str(instance) in not_running.of_dead(lxd.notes):
        return False
    return member.evacuated or instance.starts


def _failed(view: View, movable: list[Instance]) -> dict[str, str]:
    """By instance that a member refused in this hook: the last member's reason.

    LXD takes an instance in error for stopped. From 5.21 on it would copy the disk of a virtual
    machine that runs, because only QEMU's monitor does not answer (instance_post.go).
    """
    refused = view.history.refused
    unknown = {str(i): blockers.IN_ERROR for i in movable if i.unknown}
    return unknown | {
        str(i): list(refused[str(i)].values())[-1] for i in movable if str(i) in refused
    }
