"""What a plan is made of: each step says what shall be true afterwards, in words and as values.

A step is idempotent: carrying it out twice, or again after a crash half way, ends the same.
"""

from __future__ import annotations

from dataclasses import dataclass

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
    LeaveCluster,
    MoveInstance,
    MoveOffDead,
    NoteUnmoved,
    RemoveMember,
    StartInstance,
)
from steps.networks import (
    CreateNetwork,
    EndOverlayDhcp,
    PinNics,
    RunOverlayDhcp,
    SetDefaultProfile,
    UpdateNetwork,
    WriteOvn,
)
from steps.server import (
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
    KeepOnVolume,
    PinRootDisks,
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
    | WriteNotes
    | AdoptIdentity
    | NoteIdentity
    | NoteUnits
    | NoteUnresponsive
    | CreatePool
    | UpdatePool
    | PinRootDisks
    | PinNics
    | KeepOnVolume
    | DropVolume
    | GatherVolume
    | RestoreFolder
    | StartWithoutVolume
    | CreateNetwork
    | RunOverlayDhcp
    | EndOverlayDhcp
    | UpdateNetwork
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
    | AwaitEvacuation
    | MoveInstance
    | MoveOffDead
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
    """What to do now, in order, and what to tell: the operator, the peers, the application.

    `own` and `app` are all that shall stand in the databags, None where nothing may be written.
    `hold` says in full why a unit that leaves must not be let go, empty if it may.
    """

    status: Status
    steps: tuple[Step, ...] = ()
    own: UnitData | None = None
    app: AppData | None = None
    app_status: Status | None = None
    hold: str = ""
