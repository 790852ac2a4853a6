"""Carries out one step of a plan. Each looks at what is there first and ends by its deadline."""

from __future__ import annotations

import logging
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, TypeVar

import ceph
import deadlines
import join_tokens
import lost
import marks
import net_acts
import nets
import pool_acts
import pools
import seal
from lxd_reading import LxdError, LxdUnreachable
from peers import Token
from snap import ChannelUnknownError, SnapError
from steps import (
    AbandonMember,
    AwaitJoin,
    AwaitLeave,
    AwaitRoles,
    CancelToken,
    CreateNetwork,
    CreatePool,
    DropVolume,
    EnableCluster,
    EndSegment,
    Evacuate,
    ForgetForming,
    InstallSnap,
    InstallSnapFile,
    Join,
    KeepNics,
    KeepOnVolume,
    KeepRoots,
    LeaveCluster,
    MakeKey,
    MakeToken,
    MoveInstance,
    PassTurn,
    RemoveMember,
    ResetLxd,
    RestartLxd,
    RunSegment,
    SetDefaultProfile,
    SetFailureDomain,
    SetRole,
    SetServerConfig,
    StartInstance,
    Step,
    UpdateNetwork,
    UpdatePool,
    WriteCeph,
    WriteNotes,
    WriteOvn,
)
from view import Events, Network, Pool
from world import World

logger = logging.getLogger(__name__)
_Thing = TypeVar("_Thing", Pool, Network)

_PASSES = "a configuration change is already in progress"
"""How LXD's database refuses one change of its members during another, such as a promotion."""


class StepFailed(Exception):  # noqa: N818 - it is the name of what happened
    """A step did not succeed. `later` says whether it may without anybody's help."""

    def __init__(self, step: Step, reason: str, *, later: bool) -> None:
        super().__init__(reason)
        self.step = step
        self.reason = reason
        self.later = later


def act(step: Step, unit: str, world: World, events: Events) -> Events:
    """Carries `step` out and adds to `events` what no look can find out. Raises StepFailed."""
    try:
        return _HANDLERS[type(step)](step, unit, world, events)
    except ChannelUnknownError as error:
        raise StepFailed(step, str(error), later=False) from error
    except (SnapError, LxdUnreachable, OSError, subprocess.SubprocessError) as error:
        raise StepFailed(step, str(error), later=True) from error
    except (LxdError, seal.SealError) as error:
        raise StepFailed(step, str(error), later=_PASSES in str(error)) from error


def _install_snap(step: InstallSnap, unit: str, world: World, events: Events) -> Events:
    world.snap.install(step.channel, step.revision)
    return events


def _install_snap_file(step: InstallSnapFile, unit: str, world: World, events: Events) -> Events:
    world.snap.install_file(step.path)
    return events


def _make_key(step: MakeKey, unit: str, world: World, events: Events) -> Events:
    private = seal.new_key()
    world.machine.keep_key(private, seal.public_half(private))
    return events


def _write_ceph(step: WriteCeph, unit: str, world: World, events: Events) -> Events:
    world.machine.write_privately(ceph.files(step.ceph))
    return events


def _set_server_config(step: SetServerConfig, unit: str, world: World, events: Events) -> Events:
    world.lxd.set_server_config(step.values)
    return events


def _write_notes(step: WriteNotes, unit: str, world: World, events: Events) -> Events:
    world.lxd.write_notes(step.values)
    return events


def _enable_cluster(step: EnableCluster, unit: str, world: World, events: Events) -> Events:
    world.machine.note_forming("bootstrap", world.clock(), ())
    world.lxd.enable_cluster(step.name)
    return events


def _join(step: Join, unit: str, world: World, events: Events) -> Events:
    key = world.machine.key()
    if key is None:
        raise seal.SealError("this unit's key is gone")
    token = seal.unseal(step.sealed, key, purpose(unit))
    try:
        if not world.lxd.await_forming(deadlines.JOIN):
            devices = tuple(filter(None, (keys.get("source") for keys in step.pools.values())))
            world.machine.note_forming("join", world.clock(), devices)
            world.lxd.set_server_config({"core.https_address": step.https_address})
            kinds = (("storage-pool", step.pools), ("network", step.networks))
            answers = [
                {"entity": entity, "name": name, "key": key, "value": value}
                for entity, things in kinds
                for name, keys in things.items()
                for key, value in keys.items()
            ]
            world.lxd.join_cluster(step.name, step.address, token, answers, deadlines.JOIN)
    except (LxdError, LxdUnreachable) as error:
        # Where only the answer was lost, the join goes on and may have succeeded.
        if world.lxd.joined(deadlines.JOIN):
            return events
        _reset(world, str(error))
        return replace(events, join_failure=str(error))
    return events


def _reset_lxd(step: ResetLxd, unit: str, world: World, events: Events) -> Events:
    _reset(world, step.why)
    return replace(events, join_failure=step.why)


def _reset(world: World, why: str) -> None:
    """LXD as freshly installed. It is not, while it holds anything: then it was a member."""
    if world.machine.has_data():
        raise LxdError(f"not reset, it has instances or volumes: {why}")
    logger.warning("LXD is reset: %s. It logged last:\n%s", why, world.machine.lxd_log())
    forming = world.machine.forming()
    world.machine.note_failure(why)
    world.machine.kill_lxd()
    world.snap.stop()
    world.machine.empty_lxd()
    for device in forming.devices if forming else ():
        _give_back(device, world)
    world.snap.start()
    world.machine.forget_forming()


def _pass_turn(step: PassTurn, unit: str, world: World, events: Events) -> Events:
    if world.lxd.exchange(step.key, step.before, step.after):
        return replace(events, passed=step.unit)
    logger.info("another member was quicker: %s", step.key)
    return events


def _give_back(device: str, world: World) -> None:
    """A device that was empty when the join began: what is on it now is of no use to anybody."""
    try:
        world.machine.wipe(device)
    except (OSError, subprocess.SubprocessError) as error:
        # LXD must start again all the same; the device says itself what is the matter with it.
        logger.warning("%s is not wiped: %s", device, error)


def _make_token(step: MakeToken, unit: str, world: World, events: Events) -> Events:
    token = world.lxd.make_join_token(step.name)
    sealed = seal.seal(token, step.key, purpose(step.unit))
    made = Token(
        unit=step.unit,
        name=step.name,
        attempt=step.attempt,
        sealed=sealed,
        made=world.clock(),
        digest=join_tokens.digest(token),
        adopted=step.adopted,
        pools=pools.records(_made(world.lxd.pools(), step.soon)),
        networks=nets.records(_made(world.lxd.networks(), step.soon)),
    )
    return replace(events, made=made)


def _made(things: Iterable[_Thing], soon: frozenset[str]) -> tuple[_Thing, ...]:
    """Those that are there, and those that will be there soon."""
    return tuple(thing for thing in things if not thing.half_made or thing.name in soon)


def purpose(unit: str) -> str:
    """What a token for `unit` is sealed for, beside its key."""
    return f"lxd-cluster join token for {unit}"


def _cancel_token(step: CancelToken, unit: str, world: World, events: Events) -> Events:
    return replace(events, made=None, withdrawn=world.lxd.cancel_join_token(step.name, step.digest))


def _restart_lxd(step: RestartLxd, unit: str, world: World, events: Events) -> Events:
    world.snap.restart()
    world.lxd.await_start(deadlines.START)
    return replace(events, restarted=True)


def _set_role(step: SetRole, unit: str, world: World, events: Events) -> Events:
    world.lxd.set_role(step.role, step.members)
    return events


def _set_failure_domain(step: SetFailureDomain, unit: str, world: World, events: Events) -> Events:
    world.lxd.set_failure_domain(step.name, step.domain)
    return events


def _forget_forming(step: ForgetForming, unit: str, world: World, events: Events) -> Events:
    world.machine.forget_forming()
    world.machine.forget_failures()
    return events


def _evacuate(step: Evacuate, unit: str, world: World, events: Events) -> Events:
    here = [i for i in world.lxd.instances() if i.location == step.name]
    running = frozenset(str(i) for i in here if i.running)
    before = marks.ran(step.name, world.lxd.notes())
    if not running <= before:
        world.lxd.write_notes(marks.noted(step.name, before | running))
    events = replace(events, ran=before | running)
    try:
        for _ in world.lxd.evacuate(step.name, deadlines.EVACUATE):
            left = sum(i.location == step.name for i in world.lxd.instances())
            world.tell(f"{step}: {left} left")
    except (LxdError, LxdUnreachable) as error:
        logger.warning("not everything moved off %s: %s", step.name, error)
        return replace(events, evacuation=str(error))
    return replace(events, evacuation="")


def _move_instance(step: MoveInstance, unit: str, world: World, events: Events) -> Events:
    try:
        world.lxd.move_instance(step.project, step.name, step.target)
    finally:
        if step.ran:
            world.lxd.start_instance(step.project, step.name)
    return events


def _start_instance(step: StartInstance, unit: str, world: World, events: Events) -> Events:
    try:
        world.lxd.start_instance(step.project, step.name)
    except (LxdError, LxdUnreachable) as error:
        # It has moved with all that it holds. That it does not start is no reason to stay.
        logger.warning("%s/%s does not start: %s", step.project, step.name, error)
    return replace(events, started=events.started | {f"{step.project}/{step.name}"})


def _leave_cluster(step: LeaveCluster, unit: str, world: World, events: Events) -> Events:
    try:
        world.lxd.leave(step.name)
    except LxdUnreachable as error:
        # LXD may hang up on the one that it has just put out (LXD issue 9464).
        logger.info("whether %s has left is looked up: %s", step.name, error)
    world.lxd.await_alone(deadlines.START)
    for network in world.machine.segments():
        world.machine.end_segment(network)
    world.machine.forget_forming()
    world.machine.forget_failures()
    return events


def _await_leave(step: AwaitLeave, unit: str, world: World, events: Events) -> Events:
    world.lxd.await_gone(step.name, deadlines.LEAVE)
    return events


def _await_join(step: AwaitJoin, unit: str, world: World, events: Events) -> Events:
    # Its own deadline: after that its unit has given it up.
    world.lxd.await_member(step.name, deadlines.JOIN)
    return replace(events, awaited=True)


def _await_roles(step: AwaitRoles, unit: str, world: World, events: Events) -> Events:
    world.lxd.await_one_voter(deadlines.ROLES)
    return replace(events, roles_awaited=True)


def _abandon_member(step: AbandonMember, unit: str, world: World, events: Events) -> Events:
    logger.warning(
        "on-remove=abandon: left on the disks of %s: %s", step.name, ", ".join(step.left)
    )
    world.lxd.remove_member(step.name)
    return events


def _remove_member(step: RemoveMember, unit: str, world: World, events: Events) -> Events:
    things = (*world.lxd.instances(), *(v for v in world.lxd.volumes() if not v.cache))
    gone = [str(thing) for thing in things if thing.location == step.name]
    # First the record, then the removal: so nothing is lost unsaid, whatever comes in between.
    if record := lost.added(world.lxd.notes(), step.name, gone):
        world.lxd.write_notes(record)
    world.lxd.remove_member(step.name)
    return events


_HANDLERS: dict[type[Any], Callable[[Any, str, World, Events], Events]] = {
    InstallSnap: _install_snap,
    InstallSnapFile: _install_snap_file,
    MakeKey: _make_key,
    WriteCeph: _write_ceph,
    WriteOvn: net_acts.write_ovn,
    SetServerConfig: _set_server_config,
    WriteNotes: _write_notes,
    CreatePool: pool_acts.create_pool,
    UpdatePool: pool_acts.update_pool,
    KeepRoots: pool_acts.keep_roots,
    KeepOnVolume: pool_acts.keep_on_volume,
    DropVolume: pool_acts.drop_volume,
    CreateNetwork: net_acts.create_network,
    UpdateNetwork: net_acts.update_network,
    KeepNics: net_acts.keep_nics,
    RunSegment: net_acts.run_segment,
    EndSegment: net_acts.end_segment,
    SetDefaultProfile: net_acts.set_default_profile,
    EnableCluster: _enable_cluster,
    Join: _join,
    ResetLxd: _reset_lxd,
    PassTurn: _pass_turn,
    MakeToken: _make_token,
    CancelToken: _cancel_token,
    SetFailureDomain: _set_failure_domain,
    RestartLxd: _restart_lxd,
    SetRole: _set_role,
    ForgetForming: _forget_forming,
    Evacuate: _evacuate,
    MoveInstance: _move_instance,
    StartInstance: _start_instance,
    LeaveCluster: _leave_cluster,
    AwaitLeave: _await_leave,
    AwaitJoin: _await_join,
    AwaitRoles: _await_roles,
    AbandonMember: _abandon_member,
    RemoveMember: _remove_member,
}
