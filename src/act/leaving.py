"""The steps for members that leave or are removed."""

from __future__ import annotations

import logging
import re
from dataclasses import replace

import deadlines
from lxd.errors import LxdError, LxdLate, LxdUnreachable
from ports.world import World
from records import loss_record, member_marks
from state.view import EVERY_MEMBER, Events
from steps.leaving import (
    AbandonMember,
    AwaitEvacuation,
    AwaitLeave,
    AwaitRoles,
    CloseMember,
    CopyImages,
    LeaveCluster,
    MoveInstance,
    MoveOffDead,
    NoteUnmoved,
    RemoveMember,
    StartInstance,
)

logger = logging.getLogger(__name__)

_ONLY_COPIES = re.compile(r"still has the following images: ([0-9a-f, ]+)")
"""LXD's refusal to remove a member that has the only copies of some images."""

_RESTORES = "clustering_restore_skip_mode"
_EVACUATED = "evacuated"
"""LXD's error for a start on an evacuated member."""


def close_member(step: CloseMember, unit: str, world: World, events: Events) -> Events:
    """LXD's scheduler places nothing on the member."""
    world.lxd.members.close(step.name)
    return events


def await_evacuation(step: AwaitEvacuation, unit: str, world: World, events: Events) -> Events:
    """An evacuation that somebody began has ended, with any result."""
    for _ in world.lxd.members.await_evacuation(step.name, deadlines.EVACUATE):
        left = sum(i.location == step.name for i in world.lxd.instances.list())
        world.tell(f"{step}: {left} left")
    return events


def move_instance(step: MoveInstance, unit: str, world: World, events: Events) -> Events:
    """Move an instance to another member; or leave it in its old state, with the reason on record.

    If LXD hangs up, a later hook finds out the result. It first waits for operations that still run
    on the instance. An instance whose operation does not end, for example on a disk that hangs,
    does not stop the others.
    """
    try:
        return _move(step, world, events)
    except LxdLate as error:
        logger.warning("%s/%s: %s", step.project, step.name, error)
        return _refused(step, EVERY_MEMBER, str(error), events)


def _move(step: MoveInstance, world: World, events: Events) -> Events:
    instances = world.lxd.instances
    instances.settle(step.project, step.name, deadlines.MOVE)
    if instances.location(step.project, step.name) != step.source:
        return events
    if step.ran:
        _note_stopped(step, world)
    try:
        if step.stops is not None:
            instances.stop(step.project, step.name, step.stops)
        target = f"@{step.group}" if step.group else step.target
        instances.move(step.project, step.name, target, live=step.live)
    except LxdError as error:
        logger.warning("%s/%s did not move to %s: %s", step.project, step.name, step.target, error)
        if step.ran:
            _start(step.project, step.name, step.source, world)
        return _refused(step, step.target, str(error), events)
    if step.ran:
        _start(step.project, step.name, step.source, world)
    return events


def move_off_dead(step: MoveOffDead, unit: str, world: World, events: Events) -> Events:
    """List an instance of a dead member on another one, stopped; or record why not.

    If LXD hangs up, a later hook looks again: the move is one transaction of LXD's database.
    """
    try:
        world.lxd.instances.move(step.project, step.name, step.target, live=False)
    except (LxdError, LxdLate) as error:
        logger.warning("%s/%s stays on %s: %s", step.project, step.name, step.source, error)
        return _refused(step, step.target, str(error), events)
    logger.warning(
        "%s/%s was on the dead %s and is on %s now, stopped",
        step.project,
        step.name,
        step.source,
        step.target,
    )
    return events


def _refused(step: MoveInstance | MoveOffDead, target: str, why: str, events: Events) -> Events:
    name = f"{step.project}/{step.name}"
    told = {**events.refused.get(name, {}), target: why}
    return replace(events, refused={**events.refused, name: told})


def _note_stopped(step: MoveInstance, world: World) -> None:
    noted = member_marks.stopped(step.source, world.lxd.notes.read())
    world.lxd.notes.write(
        member_marks.with_stopped(step.source, noted | {f"{step.project}/{step.name}"})
    )


def note_unmoved(step: NoteUnmoved, unit: str, world: World, events: Events) -> Events:
    """What no member took is on record, counted once for this hook."""
    notes = world.lxd.notes.read()
    world.lxd.notes.write(member_marks.with_unmoved(step.member, step.reasons, notes))
    return replace(events, noted=events.noted | step.reasons.keys())


def start_instance(step: StartInstance, unit: str, world: World, events: Events) -> Events:
    """Start an instance again, if possible. An instance that hangs does not stop the others."""
    try:
        _start(step.project, step.name, step.member, world)
    except LxdLate as error:
        logger.warning("%s/%s does not start: %s", step.project, step.name, error)
    return replace(events, started=events.started | {f"{step.project}/{step.name}"})


def _start(project: str, name: str, member: str, world: World) -> None:
    """Start an instance that ran, and note that nothing more is due for it.

    If it does not start, its member may still leave: the instance is complete where it is now.
    """
    try:
        _start_anywhere(project, name, member, world)
    except LxdError as error:
        logger.warning("%s/%s was stopped to move it, and does not start: %s", project, name, error)
    noted = member_marks.stopped(member, world.lxd.notes.read())
    if f"{project}/{name}" in noted:
        world.lxd.notes.write(member_marks.with_stopped(member, noted - {f"{project}/{name}"}))


def _start_anywhere(project: str, name: str, member: str, world: World) -> None:
    """LXD starts nothing on an evacuated member: from 5.21 on the evacuation can be ended first."""
    try:
        world.lxd.instances.start(project, name)
    except LxdError as error:
        here = _EVACUATED in str(error) and _RESTORES in world.lxd.server.get().extensions
        if not here or world.lxd.instances.location(project, name) != member:
            raise
        world.lxd.members.restore(member)
        world.lxd.instances.start(project, name)


def copy_images(step: CopyImages, unit: str, world: World, events: Events) -> Events:
    """LXD has copied the images of this member alone, as far as it could."""
    world.lxd.images.copy_to(2)
    return replace(events, copied=True, only_copies=())


def leave_cluster(step: LeaveCluster, unit: str, world: World, events: Events) -> Events:
    """This member is out of the cluster, or it is known which images keep it."""
    try:
        world.lxd.members.leave(step.name)
    except (LxdError, LxdUnreachable) as error:
        if images := _ONLY_COPIES.search(str(error)):
            return replace(events, only_copies=tuple(re.findall("[0-9a-f]+", images[1])))
        # LXD may hang up on the member that it has just removed (LXD issue 9464), or lose its
        # database in the same moment and answer with an error (measured, 6.9).
        logger.info("whether %s has left is looked up: %s", step.name, error)
        if not world.lxd.cluster.is_alone(deadlines.START):
            raise
    world.lxd.cluster.await_alone(deadlines.START)
    world.machine.note_identity("")
    for network in world.machine.segments():
        world.machine.end_segment(network)
    world.machine.forget_forming()
    world.machine.forget_failures()
    return events


def await_leave(step: AwaitLeave, unit: str, world: World, events: Events) -> Events:
    """Another member is out of the cluster."""
    world.lxd.members.await_gone(step.name, deadlines.LEAVE)
    return events


def await_roles(step: AwaitRoles, unit: str, world: World, events: Events) -> Events:
    """LXD has given its last two members their roles."""
    world.lxd.members.await_one_voter(deadlines.ROLES)
    return replace(events, roles_awaited=True)


def abandon_member(step: AbandonMember, unit: str, world: World, events: Events) -> Events:
    """The cluster has forgotten the member and what is on it."""
    logger.warning(
        "on-remove=abandon: left on the disks of %s: %s", step.name, "; ".join(step.left)
    )
    world.lxd.members.remove(step.name)
    return events


def remove_member(step: RemoveMember, unit: str, world: World, events: Events) -> Events:
    """The member is out of the cluster, and what was on it is recorded."""
    volumes = [v for v in world.lxd.volumes.list() if not v.cache]
    buckets = world.lxd.buckets.list(world.lxd.server.get().extensions)
    things = (*world.lxd.instances.list(), *volumes, *buckets)
    gone = [str(thing) for thing in things if thing.location == step.name]
    # First the record, then the removal: an interruption in between loses no record.
    if record := loss_record.added(world.lxd.notes.read(), step.name, gone):
        world.lxd.notes.write(record)
    world.lxd.members.remove(step.name)
    return events
