"""Carries out one step of a plan. Each looks at what is there first and ends by its deadline."""

from __future__ import annotations

import logging
import subprocess
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import ceph
import deadlines
import forming_acts
import leaving_acts
import listening_acts
import net_acts
import passing
import pool_acts
import proxies
import seal
from lxd.errors import LxdError, LxdUnreachable
from lxd.notes import WROTE
from snap import ChannelUnknownError, SnapError
from steps import (
    AbandonMember,
    AdoptIdentity,
    AwaitEvacuation,
    AwaitJoin,
    AwaitLeave,
    AwaitRoles,
    BackupDatabase,
    CancelToken,
    ChangeAddress,
    CloseMember,
    CopyImages,
    CreateNetwork,
    CreatePool,
    DropVolume,
    EnableCluster,
    EndSegment,
    ForgetForming,
    GatherVolume,
    InstallSnap,
    InstallSnapFile,
    InstallSnapVersion,
    Join,
    KeepNics,
    KeepOnVolume,
    KeepRoots,
    LeaveCluster,
    Listen,
    MakeKey,
    MakeToken,
    MoveInstance,
    MoveOffDead,
    NoteIdentity,
    NoteSilence,
    NoteUnits,
    NoteUnmoved,
    PassTurn,
    RemoveMember,
    RemoveSnap,
    ResetLxd,
    RestartLxd,
    RestoreFolder,
    RunSegment,
    SetDefaultProfile,
    SetFailureDomain,
    SetProxies,
    SetRole,
    SetServerConfig,
    StartAgain,
    StartInstance,
    StartWithoutVolume,
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
        raise StepFailed(step, str(error), later=passing.passes(str(error))) from error


def _install_snap(step: InstallSnap, unit: str, world: World, events: Events) -> Events:
    world.snap.install(step.channel, step.revision)
    return events


def _install_snap_file(step: InstallSnapFile, unit: str, world: World, events: Events) -> Events:
    world.snap.install_file(step.path)
    return events


def _install_snap_version(
    step: InstallSnapVersion, unit: str, world: World, events: Events
) -> Events:
    world.snap.install_version(step.channel, step.version)
    return events


def _remove_snap(step: RemoveSnap, unit: str, world: World, events: Events) -> Events:
    world.snap.remove()
    return events


def _backup_database(step: BackupDatabase, unit: str, world: World, events: Events) -> Events:
    logger.info("LXD's database is copied to %s", world.database.backup_before(step.before))
    return events


def _start_again(step: StartAgain, unit: str, world: World, events: Events) -> Events:
    world.database.end_recovery()
    return events


def _note_units(step: NoteUnits, unit: str, world: World, events: Events) -> Events:
    world.machine.note_units(step.units)
    return events


def _note_silence(step: NoteSilence, unit: str, world: World, events: Events) -> Events:
    world.machine.note_silence(step.since)
    if step.since is None and world.database.recovering():
        # It was cut short before the daemon had ended.
        world.database.end_recovery()
    return events


def _make_key(step: MakeKey, unit: str, world: World, events: Events) -> Events:
    private = seal.new_key()
    world.machine.keep_key(private, seal.public_half(private))
    return events


def _write_ceph(step: WriteCeph, unit: str, world: World, events: Events) -> Events:
    world.machine.write_privately(ceph.files(step.ceph))
    return events


def _set_server_config(step: SetServerConfig, unit: str, world: World, events: Events) -> Events:
    world.lxd.server.set_config(step.values)
    return events


def _set_proxies(step: SetProxies, unit: str, world: World, events: Events) -> Events:
    """What is noted before and after tells in either case what the charm has written."""
    # LXD answers from memory, and a member that joined has nothing there until something changes.
    world.lxd.server.set_config({})
    has, noted = world.lxd.server.get().config, world.lxd.notes.read()
    values = {
        key: value
        for key, value in step.values.items()
        if proxies.may_change(key, has.get(key, ""), noted, step.model)
    }
    after = {key: proxies.digest(key, value) for key, value in values.items()}
    both = {k: f"{proxies.digest(k, has.get(k, ''))} {after[k]}".strip() for k in values}
    world.lxd.notes.write({WROTE + key: told for key, told in both.items()})
    world.lxd.server.set_config(values)
    world.lxd.notes.write({WROTE + key: told for key, told in after.items()})
    return events


def _write_notes(step: WriteNotes, unit: str, world: World, events: Events) -> Events:
    world.lxd.notes.write(step.values)
    return events


def _restart_lxd(step: RestartLxd, unit: str, world: World, events: Events) -> Events:
    reload_lxd(world)
    return replace(events, restarted=True)


def reload_lxd(world: World) -> None:
    """LXD's daemon is a new one, and answers. Instances go on.

    snapd is done before the old daemon has ended, so the process tells the two apart.
    """
    before = world.lxd.server.process()
    world.snap.reload()
    world.lxd.server.await_restart(before, deadlines.START)


def _set_role(step: SetRole, unit: str, world: World, events: Events) -> Events:
    world.lxd.members.set_role(step.role, step.members)
    return events


def _set_failure_domain(step: SetFailureDomain, unit: str, world: World, events: Events) -> Events:
    world.lxd.members.set_failure_domain(step.name, step.domain)
    return events


_HANDLERS: dict[type[Any], Callable[[Any, str, World, Events], Events]] = {
    InstallSnap: _install_snap,
    InstallSnapFile: _install_snap_file,
    InstallSnapVersion: _install_snap_version,
    RemoveSnap: _remove_snap,
    BackupDatabase: _backup_database,
    StartAgain: _start_again,
    MakeKey: _make_key,
    WriteCeph: _write_ceph,
    WriteOvn: net_acts.write_ovn,
    SetServerConfig: _set_server_config,
    SetProxies: _set_proxies,
    Listen: listening_acts.listen,
    ChangeAddress: listening_acts.change_address,
    WriteNotes: _write_notes,
    CreatePool: pool_acts.create_pool,
    UpdatePool: pool_acts.update_pool,
    KeepRoots: pool_acts.keep_roots,
    KeepOnVolume: pool_acts.keep_on_volume,
    DropVolume: pool_acts.drop_volume,
    GatherVolume: pool_acts.gather_volume,
    StartWithoutVolume: pool_acts.start_without_volume,
    RestoreFolder: pool_acts.restore_folder,
    CreateNetwork: net_acts.create_network,
    UpdateNetwork: net_acts.update_network,
    KeepNics: net_acts.keep_nics,
    RunSegment: net_acts.run_segment,
    EndSegment: net_acts.end_segment,
    SetDefaultProfile: net_acts.set_default_profile,
    AdoptIdentity: forming_acts.adopt_identity,
    NoteIdentity: forming_acts.note_identity,
    NoteUnits: _note_units,
    NoteSilence: _note_silence,
    EnableCluster: forming_acts.enable_cluster,
    Join: forming_acts.join,
    ResetLxd: forming_acts.reset_lxd,
    PassTurn: forming_acts.pass_turn,
    MakeToken: forming_acts.make_token,
    CancelToken: forming_acts.cancel_token,
    SetFailureDomain: _set_failure_domain,
    RestartLxd: _restart_lxd,
    SetRole: _set_role,
    ForgetForming: forming_acts.forget_forming,
    CloseMember: leaving_acts.close_member,
    AwaitEvacuation: leaving_acts.await_evacuation,
    MoveInstance: leaving_acts.move_instance,
    MoveOffDead: leaving_acts.move_off_dead,
    NoteUnmoved: leaving_acts.note_unmoved,
    StartInstance: leaving_acts.start_instance,
    CopyImages: leaving_acts.copy_images,
    LeaveCluster: leaving_acts.leave_cluster,
    AwaitLeave: leaving_acts.await_leave,
    AwaitJoin: forming_acts.await_join,
    AwaitRoles: leaving_acts.await_roles,
    AbandonMember: leaving_acts.abandon_member,
    RemoveMember: leaving_acts.remove_member,
}
