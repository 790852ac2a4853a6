# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The steps for members that leave or are removed."""

from __future__ import annotations

import logging
import re
from contextlib import suppress
from dataclasses import replace

import deadlines
from act.handlers import Handlers
from lxd.errors import LxdError, LxdLate, LxdUnreachable
from ports.ports import Ports
from records import loss_record, member_marks, not_running
from state.notes import IDENTITY
from state.view import EVERY_MEMBER, RunHistory
from steps.leaving import (
    AbandonMember,
    AwaitEvacuation,
    AwaitLeave,
    AwaitRoles,
    CloseMember,
    CopyImages,
    KeepStopped,
    LeaveCluster,
    MoveInstance,
    MoveOffDead,
    NoteUnmoved,
    OpenMember,
    RemoveMember,
    RestoreAutostart,
    StartInstance,
)
from values import transient_errors

logger = logging.getLogger(__name__)

_ONLY_COPIES = re.compile(r"still has the following images: ([0-9a-f, ]+)")
"""LXD's refusal to remove a member that has the only copies of some images."""

_RESTORES = "clustering_restore_skip_mode"
_EVACUATED = "evacuated"
"""LXD's error for a start on an evacuated member."""
_STARTS = "a start operation"
"""LXD's message about an instance that is being started already."""


def close_member(step: CloseMember, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    """LXD's scheduler places nothing on the member."""
    ports.lxd.members.close(step.name)
    return history


def open_member(step: OpenMember, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    """LXD's scheduler may place instances on the member."""
    ports.lxd.members.open(step.name)
    return history


def await_evacuation(
    step: AwaitEvacuation, unit: str, ports: Ports, history: RunHistory
) -> RunHistory:
    """LXD has evacuated or restored the member, as somebody told it, or has failed to."""
    for _ in ports.lxd.members.await_evacuation(step.name, deadlines.EVACUATE):
        left = sum(i.location == step.name for i in ports.lxd.instances.list())
        ports.show_progress(f"{step}: {left} left")
    return history


def move_instance(step: MoveInstance, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    """Moves an instance to another member; or leaves it as it was, with the reason on record.

    If LXD closes the connection, a later hook looks where the instance is. The step first waits for
    operations that still run on the instance. If one does not end, for example because the instance
    is large or its disk hangs, the other instances are moved all the same.

    If somebody has started the instance since the plan was made, the step does nothing, and the
    next plan stops it first: LXD 5.21 and later kill what runs, and do not start it again
    (instancePostClusteringMigrate).
    """
    try:
        return _move(step, ports, history)
    except LxdLate as error:
        name = f"{step.project}/{step.name}"
        logger.warning("%s: %s", name, error)
        history = _refused(step, EVERY_MEMBER, str(error), history)
        return replace(history, late=history.late | {name})


def _move(step: MoveInstance, ports: Ports, history: RunHistory) -> RunHistory:
    instances = ports.lxd.instances
    instances.settle(step.project, step.name, deadlines.MOVE)
    if not _is_as_planned(step, ports):
        return history
    if step.ran:
        _note_stopped(step, ports)
    try:
        if step.stops is not None:
            instances.stop(step.project, step.name, step.stops)
        target = f"@{step.group}" if step.lxd_chooses else step.target
        instances.move(step.project, step.name, target, live=step.live)
    except LxdError as error:
        logger.warning("%s/%s did not move to %s: %s", step.project, step.name, step.target, error)
        if step.ran:
            _start(step.project, step.name, step.source, step.source, ports)
        return _refused(step, step.target, str(error), history)
    if step.group and not step.lxd_chooses:
        _put_into_group(step, ports)
    if step.ran:
        _start(step.project, step.name, step.source, step.source, ports)
    return history


def _is_as_planned(step: MoveInstance, ports: Ports) -> bool:
    """Whether the instance is still here, and does not run against the plan."""
    now = ports.lxd.instances.find(step.project, step.name)
    if now is None or now.location != step.source:
        return False
    return not now.running or step.stops is not None or step.live


def _put_into_group(step: MoveInstance, ports: Ports) -> None:
    """A move to a named member takes an instance out of its cluster group (by source)."""
    try:
        ports.lxd.instances.set_group(step.project, step.name, step.group)
    except LxdError as error:
        name = f"{step.project}/{step.name}"
        logger.warning("%s is not in the cluster group %s any more: %s", name, step.group, error)


def move_off_dead(step: MoveOffDead, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    """Moves an instance of a dead member to another one, stopped; or records why that failed.

    If LXD closes the connection, a later hook looks again: the move is one transaction of LXD's
    database. If the machine is back meanwhile and runs the instance, the step does nothing: LXD
    5.21 and later would kill it (instancePostClusteringMigrate).
    """
    if _runs(step, ports):
        return history
    # Nothing may start it: it may still run on the dead machine.
    for member in sorted(member_marks.members_with_stopped(ports.lxd.notes.read())):
        _forget_stopped(step.project, step.name, member, ports)
    name, instances, notes = f"{step.project}/{step.name}", ports.lxd.instances, ports.lxd.notes
    # If the machine that it was on before that died, too, it may still run there.
    noted = name in not_running.of_dead(notes.read())
    if not noted:
        # If the hook is killed after the move, the status must still name the instance.
        notes.write(not_running.added(notes.read(), step.source, name, not_running.DEAD))
    try:
        instances.move(step.project, step.name, step.first or step.target, live=False)
    except LxdLate as error:
        # LXD may still move it.
        return _stays(step, error, history)
    except LxdError as error:
        if not noted:
            notes.write(not_running.without(notes.read(), step.source, name))
        return _stays(step, error, history)
    if instances.starts_by_itself(step.project, step.name):
        instances.keep_stopped(step.project, step.name)
    elif not noted:
        notes.write(not_running.without(notes.read(), step.source, name))
    logger.warning("%s was on the dead %s and is stopped", name, step.source)
    if step.first:
        _move_on(step, ports)
    return history


def _runs(step: MoveOffDead, ports: Ports) -> bool:
    """Whether LXD knows that the instance runs. It does not for one of a dead member."""
    key = (step.project, step.name)
    return any(i.running for i in ports.lxd.instances.list() if (i.project, i.name) == key)


def _move_on(step: MoveOffDead, ports: Ports) -> None:
    """Moves the instance to the chosen member. If that fails it stays: any member may have it."""
    try:
        ports.lxd.instances.move(step.project, step.name, step.target, live=False)
    except LxdError as error:
        logger.warning("%s/%s stays on %s: %s", step.project, step.name, step.first, error)


def _stays(step: MoveOffDead, error: Exception, history: RunHistory) -> RunHistory:
    logger.warning("%s/%s stays on %s: %s", step.project, step.name, step.source, error)
    return _refused(step, step.first or step.target, str(error), history)


def keep_stopped(step: KeepStopped, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    """The next start of a daemon does not start an instance that may run on a dead machine."""
    ports.lxd.instances.keep_stopped(step.project, step.name)
    return history


def restore_autostart(
    step: RestoreAutostart, unit: str, ports: Ports, history: RunHistory
) -> RunHistory:
    """An operator has started the instance: it starts with its machine again."""
    ports.lxd.instances.restore_autostart(step.project, step.name)
    return history


def _refused(
    step: MoveInstance | MoveOffDead, target: str, why: str, history: RunHistory
) -> RunHistory:
    name = f"{step.project}/{step.name}"
    reasons = {**history.refused.get(name, {}), target: why}
    return replace(history, refused={**history.refused, name: reasons})


def _note_stopped(step: MoveInstance, ports: Ports) -> None:
    stopped = member_marks.stopped(step.source, ports.lxd.notes.read())
    ports.lxd.notes.write(
        member_marks.with_stopped(
            step.source,
            {**stopped, f"{step.project}/{step.name}": "" if step.lxd_chooses else step.target},
        )
    )


def note_unmoved(step: NoteUnmoved, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    """The instances that no member took are on record, each counted once in this hook."""
    notes = ports.lxd.notes.read()
    ports.lxd.notes.write(member_marks.with_unmoved(step.member, step.reasons, notes))
    return replace(history, noted=history.noted | step.reasons.keys())


def start_instance(step: StartInstance, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    """Starts an instance again, if possible. If it hangs, the others are started all the same."""
    try:
        _start(step.project, step.name, step.member, step.restorable, ports)
    except LxdLate as error:
        logger.warning("%s/%s does not start: %s", step.project, step.name, error)
        _give_up(step.project, step.name, step.member, str(error), ports)
    return replace(history, started=history.started | {f"{step.project}/{step.name}"})


def _start(project: str, name: str, member: str, restorable: str, ports: Ports) -> None:
    """Starts an instance that ran, and notes that nothing more is due for it.

    If it does not start, its member may still leave: the instance is complete where it is now. If
    LXD refuses only for the moment, the note stays for a later hook.
    """
    try:
        _start_anywhere(project, name, restorable, ports)
    except LxdError as error:
        logger.warning("%s/%s was stopped to move it, and does not start: %s", project, name, error)
        if transient_errors.passes(str(error)) and _STARTS not in str(error).replace('"', ""):
            return
        _give_up(project, name, member, str(error), ports)
        return
    _forget_stopped(project, name, member, ports)


def _give_up(project: str, name: str, member: str, why: str, ports: Ports) -> None:
    """The charm no longer starts an instance, and the application's status names it."""
    notes = ports.lxd.notes.read()
    ports.lxd.notes.write(not_running.added(notes, member, f"{project}/{name}", why))
    _forget_stopped(project, name, member, ports)


def _forget_stopped(project: str, name: str, member: str, ports: Ports) -> None:
    """Removes an instance from the note of those that `member` stopped and that must run again."""
    stopped = member_marks.stopped(member, ports.lxd.notes.read())
    if stopped.pop(f"{project}/{name}", None) is not None:
        ports.lxd.notes.write(member_marks.with_stopped(member, stopped))


def _start_anywhere(project: str, name: str, member: str, ports: Ports) -> None:
    """LXD starts nothing on an evacuated member. From 5.21 on `member` can be restored first."""
    try:
        ports.lxd.instances.start(project, name)
    except LxdError as error:
        restorable = _EVACUATED in str(error) and _RESTORES in ports.lxd.server.get().extensions
        if not restorable or ports.lxd.instances.location(project, name) != member:
            raise
        ports.lxd.members.restore(member)
        ports.lxd.instances.start(project, name)


def copy_images(step: CopyImages, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    """LXD has copied the images that only this member had, as far as it could."""
    ports.lxd.images.copy_to(2)
    return replace(history, copied=True, only_copies=())


def leave_cluster(step: LeaveCluster, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    """This member is out of the cluster, or the history names the images that prevent that."""
    _refuse_another(step, ports)
    before = ports.machine.identity()
    # From here on, an LXD outside the cluster has left by itself: nobody has removed it.
    ports.machine.note_identity("")
    try:
        ports.lxd.members.leave(step.name)
    except (LxdError, LxdUnreachable) as error:
        if images := _ONLY_COPIES.search(str(error)):
            _note_identity(before, ports)
            return replace(history, only_copies=tuple(re.findall("[0-9a-f]+", images[1])))
        # LXD may close its connection to the member that it has just removed (LXD issue 9464), or
        # lose its database in the same moment and answer with an error (measured, 6.9).
        logger.info("the charm looks up whether %s has left: %s", step.name, error)
        if not ports.lxd.cluster.is_alone(deadlines.START):
            _note_identity(before, ports)
            raise
    ports.lxd.cluster.await_alone(deadlines.START)
    _end_overlays(ports)
    ports.machine.forget_forming()
    ports.machine.forget_failures()
    return history


def _note_identity(before: str, ports: Ports) -> None:
    """This unit is still a member. A hook that was killed may have forgotten its cluster."""
    identity = before
    if not identity:
        with suppress(LxdError, LxdUnreachable):
            identity = ports.lxd.notes.read().get(IDENTITY, "")
    ports.machine.note_identity(identity)


def await_leave(step: AwaitLeave, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    """Another member is out of the cluster, or does not remove itself now."""

    def stays() -> bool:
        mark = ports.lxd.notes.read().get(member_marks.PREFIX + step.name)
        return mark != member_marks.REMOVING

    ports.lxd.members.await_gone(step.name, deadlines.LEAVE, stays)
    return history


def await_roles(step: AwaitRoles, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    """LXD has given its last two members their roles."""
    ports.lxd.members.await_one_voter(deadlines.ROLES)
    return replace(history, roles_awaited=True)


def abandon_member(step: AbandonMember, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    """The cluster has forgotten the member and what is on it."""
    _refuse_another(step, ports)
    logger.warning(
        "on-remove=abandon: left on the disks of %s: %s", step.name, "; ".join(step.left)
    )
    ports.lxd.members.remove(step.name)
    ports.machine.note_identity("")
    _end_overlays(ports)
    return history


def _end_overlays(ports: Ports) -> None:
    """The machine no longer gives out addresses of the cluster's networks."""
    for network in ports.machine.overlays():
        ports.machine.end_overlay(network)


def remove_member(step: RemoveMember, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    """The member is out of the cluster, and what was on it is recorded."""
    _refuse_another(step, ports)
    volumes = [v for v in ports.lxd.volumes.list() if not v.cache]
    buckets = ports.lxd.buckets.list(ports.lxd.server.get().extensions)
    lxd_objects = (*ports.lxd.instances.list(), *volumes, *buckets)
    lost = [str(lxd_object) for lxd_object in lxd_objects if lxd_object.location == step.name]
    # First the record, then the removal: an interruption in between loses no record.
    if record := loss_record.added(ports.lxd.notes.read(), step.name, lost):
        ports.lxd.notes.write(record)
    ports.lxd.members.remove(step.name)
    return history


def _refuse_another(step: LeaveCluster | AbandonMember | RemoveMember, ports: Ports) -> None:
    """Raises LxdUnreachable if an operator has renamed the member since the plan was made."""
    members = {m.name: m.address for m in ports.lxd.members.list()}
    if members.get(step.name, step.address) != step.address:
        raise LxdUnreachable(f"{step.name} is another member now")


HANDLERS: Handlers = {
    CloseMember: close_member,
    OpenMember: open_member,
    AwaitEvacuation: await_evacuation,
    MoveInstance: move_instance,
    MoveOffDead: move_off_dead,
    KeepStopped: keep_stopped,
    RestoreAutostart: restore_autostart,
    NoteUnmoved: note_unmoved,
    StartInstance: start_instance,
    CopyImages: copy_images,
    LeaveCluster: leave_cluster,
    AwaitLeave: await_leave,
    AwaitRoles: await_roles,
    AbandonMember: abandon_member,
    RemoveMember: remove_member,
}
