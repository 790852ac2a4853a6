# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Executes one step of a plan. Each step first looks at what exists, and ends by its deadline."""

from __future__ import annotations

import logging
import subprocess
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import deadlines
from act import addresses, forming, leaving, networks, storage, token_sealing
from host import ceph_files
from host.snap import ChannelUnknownError, OperatorNeededError, SnapError
from lxd.errors import LxdError, LxdUnreachable
from lxd.join_tokens import fingerprint_of
from plan.server import proxies
from ports.ports import Ports
from records import renames
from state.notes import WROTE
from state.view import RunHistory
from steps.addresses import ChangeAddress, Listen
from steps.forming import (
    AdoptIdentity,
    AwaitJoin,
    CancelToken,
    EnableCluster,
    ForgetForming,
    Join,
    MakeKey,
    MakeToken,
    NoteIdentity,
    ResetLxd,
    SetJoinLock,
)
from steps.install import (
    BackupDatabase,
    InstallSnap,
    InstallSnapFile,
    InstallSnapVersion,
    RemoveSnap,
    StartAgain,
)
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
from steps.networks import (
    CreateNetwork,
    EndOverlayDhcp,
    PinNics,
    RemoveLeftBridge,
    RunOverlayDhcp,
    SetDefaultProfile,
    SetOwnParent,
    UpdateNetwork,
    WriteOvn,
)
from steps.plan import Step
from steps.server import (
    FollowRenames,
    NoteUnits,
    NoteUnresponsive,
    RestartLxd,
    SetFailureDomain,
    SetProxies,
    SetRole,
    SetServerConfig,
    WriteNotes,
)
from steps.storage import (
    CreatePool,
    DropVolume,
    GatherVolume,
    GiveUp,
    KeepOnVolume,
    PinRootDisks,
    RemoveLeftFolder,
    RestoreFolder,
    StartWithoutVolume,
    UpdatePool,
    WriteCeph,
)
from values import transient_errors

logger = logging.getLogger(__name__)


class StepFailed(Exception):  # noqa: N818 - it is the name of what happened
    """A step did not succeed.

    `later` says whether it may succeed later without help, `plain` whether the reason alone says
    what to do.
    """

    def __init__(self, step: Step, reason: str, *, later: bool, plain: bool = False) -> None:
        super().__init__(reason)
        self.step = step
        self.reason = reason
        self.later = later
        self.plain = plain

    @property
    def message(self) -> str:
        """The message for the operator."""
        return self.reason if self.plain else f"could not {self.step}: {self.reason}"


def act(step: Step, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    """Execute `step`, and add to `events` what no later look finds out. Raises StepFailed."""
    try:
        return _HANDLERS[type(step)](step, unit, ports, history)
    except OperatorNeededError as error:
        raise StepFailed(step, str(error), later=False, plain=True) from error
    except ChannelUnknownError as error:
        raise StepFailed(step, str(error), later=False) from error
    except (SnapError, LxdUnreachable, OSError, subprocess.SubprocessError) as error:
        raise StepFailed(step, str(error), later=True) from error
    except (LxdError, token_sealing.SealError) as error:
        raise StepFailed(step, str(error), later=transient_errors.passes(str(error))) from error


def _install_snap(step: InstallSnap, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    ports.snap.install(step.channel, step.revision)
    return history


def _install_snap_file(
    step: InstallSnapFile, unit: str, ports: Ports, history: RunHistory
) -> RunHistory:
    ports.snap.install_file(step.path)
    return history


def _install_snap_version(
    step: InstallSnapVersion, unit: str, ports: Ports, history: RunHistory
) -> RunHistory:
    ports.snap.install_version(step.channel, step.version)
    return history


def _remove_snap(step: RemoveSnap, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    ports.snap.remove()
    return history


def _backup_database(
    step: BackupDatabase, unit: str, ports: Ports, history: RunHistory
) -> RunHistory:
    logger.info("LXD's database is copied to %s", ports.database.backup_before(step.before))
    return history


def _start_again(step: StartAgain, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    ports.database.end_recovery()
    return history


def _note_units(step: NoteUnits, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    ports.machine.note_units(step.units)
    return history


def _note_unresponsive(
    step: NoteUnresponsive, unit: str, ports: Ports, history: RunHistory
) -> RunHistory:
    ports.machine.note_unresponsive(step.since)
    if step.since is None and ports.database.recovering():
        # An interrupted hook ended before the daemon had stopped.
        ports.database.end_recovery()
    return history


def _make_key(step: MakeKey, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    private = token_sealing.new_key()
    ports.machine.keep_key(private, token_sealing.public_half(private))
    return history


def _write_ceph(step: WriteCeph, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    ports.machine.write_privately(ceph_files.files(step.ceph))
    return history


def _set_server_config(
    step: SetServerConfig, unit: str, ports: Ports, history: RunHistory
) -> RunHistory:
    ports.lxd.server.set_config(step.values)
    return history


def _set_proxies(step: SetProxies, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    """The notes are right, whether this step succeeds or not."""
    # LXD answers from memory. A new member has no values there until something changes.
    ports.lxd.server.set_config({})
    config, notes = ports.lxd.server.get().config, ports.lxd.notes.read()
    values = {
        key: value
        for key, value in step.values.items()
        if proxies.may_change(key, config.get(key, ""), notes, step.model)
    }
    after = {key: proxies.digest(key, value) for key, value in values.items()}
    both = {k: f"{proxies.digest(k, config.get(k, ''))} {after[k]}".strip() for k in values}
    ports.lxd.notes.write({WROTE + key: value for key, value in both.items()})
    ports.lxd.server.set_config(values)
    ports.lxd.notes.write({WROTE + key: value for key, value in after.items()})
    return history


def _follow_renames(
    step: FollowRenames, unit: str, ports: Ports, history: RunHistory
) -> RunHistory:
    """The charm looks again at what other units have done since the plan was made."""
    notes = ports.lxd.notes.read()
    due = renames.certain(renames.pending(notes, ports.lxd.members.list(), step.units))
    own = fingerprint_of(ports.machine.certificate())
    others = {r.old: r.new for r in due if r.new != step.own}
    left = ports.lxd.trust.follow(own, step.own, others)
    ports.lxd.notes.write(renames.followed(notes, [r for r in due if r.old not in left]))
    return replace(history, followed=history.followed | step.pairs)


def _write_notes(step: WriteNotes, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    ports.lxd.notes.write(step.values)
    return history


def _restart_lxd(step: RestartLxd, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    reload_lxd(ports)
    return replace(history, restarted=True)


def reload_lxd(ports: Ports) -> None:
    """LXD's daemon is a new process, and answers. Instances keep running.

    snapd finishes before the old daemon has ended, so the process id tells the two apart.
    """
    before = ports.lxd.server.process()
    ports.snap.reload()
    ports.lxd.server.await_restart(before, deadlines.START)


def _set_role(step: SetRole, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    ports.lxd.members.set_role(step.role, step.members)
    return history


def _set_failure_domain(
    step: SetFailureDomain, unit: str, ports: Ports, history: RunHistory
) -> RunHistory:
    ports.lxd.members.set_failure_domain(step.name, step.domain)
    return history


_HANDLERS: dict[type[Any], Callable[[Any, str, Ports, RunHistory], RunHistory]] = {
    InstallSnap: _install_snap,
    InstallSnapFile: _install_snap_file,
    InstallSnapVersion: _install_snap_version,
    RemoveSnap: _remove_snap,
    BackupDatabase: _backup_database,
    StartAgain: _start_again,
    MakeKey: _make_key,
    WriteCeph: _write_ceph,
    WriteOvn: networks.write_ovn,
    SetServerConfig: _set_server_config,
    SetProxies: _set_proxies,
    Listen: addresses.listen,
    ChangeAddress: addresses.change_address,
    WriteNotes: _write_notes,
    FollowRenames: _follow_renames,
    CreatePool: storage.create_pool,
    RemoveLeftFolder: storage.remove_left_folder,
    UpdatePool: storage.update_pool,
    PinRootDisks: storage.pin_root_disks,
    KeepOnVolume: storage.keep_on_volume,
    DropVolume: storage.drop_volume,
    GatherVolume: storage.gather_volume,
    GiveUp: storage.give_up,
    StartWithoutVolume: storage.start_without_volume,
    RestoreFolder: storage.restore_folder,
    CreateNetwork: networks.create_network,
    RemoveLeftBridge: networks.remove_left_bridge,
    UpdateNetwork: networks.update_network,
    SetOwnParent: networks.set_own_parent,
    PinNics: networks.pin_nics,
    RunOverlayDhcp: networks.run_overlay,
    EndOverlayDhcp: networks.end_overlay,
    SetDefaultProfile: networks.set_default_profile,
    AdoptIdentity: forming.adopt_identity,
    NoteIdentity: forming.note_identity,
    NoteUnits: _note_units,
    NoteUnresponsive: _note_unresponsive,
    EnableCluster: forming.enable_cluster,
    Join: forming.join,
    ResetLxd: forming.reset_lxd,
    SetJoinLock: forming.set_join_lock,
    MakeToken: forming.make_token,
    CancelToken: forming.cancel_token,
    SetFailureDomain: _set_failure_domain,
    RestartLxd: _restart_lxd,
    SetRole: _set_role,
    ForgetForming: forming.forget_forming,
    CloseMember: leaving.close_member,
    OpenMember: leaving.open_member,
    AwaitEvacuation: leaving.await_evacuation,
    MoveInstance: leaving.move_instance,
    MoveOffDead: leaving.move_off_dead,
    KeepStopped: leaving.keep_stopped,
    RestoreAutostart: leaving.restore_autostart,
    NoteUnmoved: leaving.note_unmoved,
    StartInstance: leaving.start_instance,
    CopyImages: leaving.copy_images,
    LeaveCluster: leaving.leave_cluster,
    AwaitLeave: leaving.await_leave,
    AwaitJoin: forming.await_join,
    AwaitRoles: leaving.await_roles,
    AbandonMember: leaving.abandon_member,
    RemoveMember: leaving.remove_member,
}
