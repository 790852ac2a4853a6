# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The parts of a plan: each step says what must be true afterwards, in words and as values.

A step is idempotent: executing it twice, or again after an interruption, has the same result.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import takewhile

from state.peers import AppData, UnitData
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
from values.status import Status

Step = (
    InstallSnap
    | InstallSnapFile
    | InstallSnapVersion
    | RemoveSnap
    | BackupDatabase
    | StartAgain
    | MakeKey
    | WriteCeph
    | WriteOvn
    | SetServerConfig
    | SetProxies
    | Listen
    | ChangeAddress
    | FollowRenames
    | WriteNotes
    | AdoptIdentity
    | NoteIdentity
    | NoteUnits
    | NoteUnresponsive
    | CreatePool
    | UpdatePool
    | PinRootDisks
    | RemoveLeftFolder
    | PinNics
    | KeepOnVolume
    | DropVolume
    | GatherVolume
    | GiveUp
    | RestoreFolder
    | StartWithoutVolume
    | CreateNetwork
    | RunOverlayDhcp
    | EndOverlayDhcp
    | UpdateNetwork
    | SetOwnParent
    | RemoveLeftBridge
    | SetDefaultProfile
    | EnableCluster
    | Join
    | ResetLxd
    | SetJoinLock
    | MakeToken
    | CancelToken
    | SetFailureDomain
    | RestartLxd
    | SetRole
    | ForgetForming
    | CloseMember
    | OpenMember
    | AwaitEvacuation
    | MoveInstance
    | MoveOffDead
    | KeepStopped
    | RestoreAutostart
    | NoteUnmoved
    | StartInstance
    | CopyImages
    | LeaveCluster
    | AwaitLeave
    | AwaitJoin
    | AwaitRoles
    | AbandonMember
    | RemoveMember
)


@dataclass(frozen=True)
class Plan:
    """What to do now, in order, and what to publish: for the operator, the peers, the application.

    `own` and `app` are the whole wanted content of the databags, None if nothing may be written.
    `hold` says completely why a leaving unit must not go, empty if it may. `groups` are those of
    the steps that do not need each other: if one fails, the rest of its group is not tried, and
    everything else is still done.
    """

    status: Status
    steps: tuple[Step, ...] = ()
    own: UnitData | None = None
    app: AppData | None = None
    app_status: Status | None = None
    hold: str = ""
    groups: tuple[tuple[Step, ...], ...] = ()


def untried(
    groups: Iterable[Iterable[Step]], failed: Collection[str]
) -> tuple[tuple[Step, ...], ...]:
    """Each group up to the first step that failed in this run, in its words. None is empty."""
    parts = (tuple(takewhile(lambda step: str(step) not in failed, group)) for group in groups)
    return tuple(part for part in parts if part)
