"""The part of `act` that concerns members that leave or are removed."""

from __future__ import annotations

import logging
from dataclasses import replace

import deadlines
import lost
import marks
from lxd.errors import LxdError, LxdUnreachable
from steps import (
    AbandonMember,
    AwaitLeave,
    AwaitRoles,
    Evacuate,
    LeaveCluster,
    MoveInstance,
    RemoveMember,
    StartInstance,
)
from view import Events
from world import World

logger = logging.getLogger(__name__)


def evacuate(step: Evacuate, unit: str, world: World, events: Events) -> Events:
    """Off the member is what LXD can move."""
    here = [i for i in world.lxd.instances.list() if i.location == step.name]
    running = frozenset(str(i) for i in here if i.running)
    before = marks.ran(step.name, world.lxd.notes.read())
    if not running <= before:
        world.lxd.notes.write(marks.noted(step.name, before | running))
    events = replace(events, ran=before | running)
    try:
        for _ in world.lxd.members.evacuate(step.name, deadlines.EVACUATE):
            left = sum(i.location == step.name for i in world.lxd.instances.list())
            world.tell(f"{step}: {left} left")
    except (LxdError, LxdUnreachable) as error:
        logger.warning("not everything moved off %s: %s", step.name, error)
        return replace(events, evacuation=str(error))
    return replace(events, evacuation="")


def move_instance(step: MoveInstance, unit: str, world: World, events: Events) -> Events:
    """A stopped instance is on another member, and runs if it ran."""
    try:
        world.lxd.instances.move(step.project, step.name, step.target)
    finally:
        if step.ran:
            world.lxd.instances.start(step.project, step.name)
    return events


def start_instance(step: StartInstance, unit: str, world: World, events: Events) -> Events:
    """An instance runs again, if it can."""
    try:
        world.lxd.instances.start(step.project, step.name)
    except (LxdError, LxdUnreachable) as error:
        # It has moved with all that it holds. That it does not start is no reason to stay.
        logger.warning("%s/%s does not start: %s", step.project, step.name, error)
    return replace(events, started=events.started | {f"{step.project}/{step.name}"})


def leave_cluster(step: LeaveCluster, unit: str, world: World, events: Events) -> Events:
    """This member is out of the cluster."""
    try:
        world.lxd.members.leave(step.name)
    except (LxdError, LxdUnreachable) as error:
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
        "on-remove=abandon: left on the disks of %s: %s", step.name, ", ".join(step.left)
    )
    world.lxd.members.remove(step.name)
    return events


def remove_member(step: RemoveMember, unit: str, world: World, events: Events) -> Events:
    """The member is out of the cluster, and what was on it is recorded."""
    things = (*world.lxd.instances.list(), *(v for v in world.lxd.volumes.list() if not v.cache))
    gone = [str(thing) for thing in things if thing.location == step.name]
    # First the record, then the removal: so nothing is lost unsaid, whatever comes in between.
    if record := lost.added(world.lxd.notes.read(), step.name, gone):
        world.lxd.notes.write(record)
    world.lxd.members.remove(step.name)
    return events
