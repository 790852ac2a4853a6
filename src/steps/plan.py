"""What a plan is made of: each step says what shall be true afterwards, in words and as values.

A step is idempotent: carrying it out twice, or again after a crash half way, ends the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from address_steps import ChangeAddress, Listen
from facts import Proxies
from leaving_steps import (
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
from network_steps import (
    CreateNetwork,
    EndSegment,
    KeepNics,
    RunSegment,
    SetDefaultProfile,
    UpdateNetwork,
    WriteOvn,
)
from peers import AppData, UnitData
from snap_steps import (
    BackupDatabase,
    InstallSnap,
    InstallSnapFile,
    InstallSnapVersion,
    RemoveSnap,
    StartAgain,
)
from status import Status
from storage_steps import (
    CreatePool,
    DropVolume,
    GatherVolume,
    KeepOnVolume,
    KeepRoots,
    RestoreFolder,
    StartWithoutVolume,
    UpdatePool,
    WriteCeph,
)


@dataclass(frozen=True)
class MakeKey:
    """This unit has a key that join tokens can be sealed to."""

    def __str__(self) -> str:
        return "make this unit's key"


@dataclass(frozen=True)
class SetServerConfig:
    """These keys of LXD's server configuration have these values."""

    values: Mapping[str, str]

    def __str__(self) -> str:
        return "set " + ", ".join(f"{k}={v}" for k, v in sorted(self.values.items()))


@dataclass(frozen=True)
class SetProxies:
    """These keys of LXD's server configuration have these values, where they are the charm's."""

    values: Mapping[str, str] = field(repr=False)
    model: Proxies = field(default_factory=Proxies)
    """What Juju may have written there."""

    def __str__(self) -> str:
        # A proxy's URL may have a password in it.
        told = {True: "set", False: "unset"}
        return ", ".join(f"{told[bool(v)]} {k}" for k, v in sorted(self.values.items()))


@dataclass(frozen=True)
class WriteNotes:
    """These of the charm's notes in LXD's database have these values, an empty one has none."""

    values: Mapping[str, str]

    def __str__(self) -> str:
        return "note " + ", ".join(f"{k}={v}" for k, v in sorted(self.values.items()))


@dataclass(frozen=True)
class AdoptIdentity:
    """A cluster that an older charm made has an identity, and its notes are where they are now."""

    identity: str

    def __str__(self) -> str:
        return "give the cluster its identity"


@dataclass(frozen=True)
class NoteIdentity:
    """This machine's disk says which cluster its LXD is in."""

    identity: str

    def __str__(self) -> str:
        return "note the cluster's identity on this machine"


@dataclass(frozen=True)
class NoteUnits:
    """This machine's disk says which units have the database, by their addresses."""

    units: Mapping[str, str]

    def __str__(self) -> str:
        return "note which units have the database"


@dataclass(frozen=True)
class NoteSilence:
    """This machine's disk says since when LXD is silent, nothing where it answers."""

    since: float | None

    def __str__(self) -> str:
        return "note that LXD answers" if self.since is None else "note that LXD is silent"


@dataclass(frozen=True)
class EnableCluster:
    """This server is the first member of a new cluster."""

    name: str

    def __str__(self) -> str:
        return f"bootstrap the cluster with the member {self.name}"


@dataclass(frozen=True)
class Join:
    """This server is a member of the cluster that the sealed token is from."""

    name: str
    address: str
    sealed: str = field(repr=False)
    cluster: str
    """The identity that the cluster must have."""
    trusted: frozenset[str]
    """Fingerprints of the certificate that its members publish."""
    pools: Mapping[str, Mapping[str, str]]
    """By pool: this member's own keys."""
    networks: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])
    """By network: the same."""

    def __str__(self) -> str:
        return f"join the cluster as {self.name}"


@dataclass(frozen=True)
class ResetLxd:
    """LXD on this machine is as freshly installed. Only for a server that never became a member."""

    why: str

    def __str__(self) -> str:
        return f"reset LXD: {self.why}"


@dataclass(frozen=True)
class PassTurn:
    """Entry `number` of a log in LXD's database is this one, or another member wrote it first."""

    log: str
    number: int
    entry: str
    unit: str

    def __str__(self) -> str:
        whose = f"{self.unit}'s" if self.unit else "nobody's"
        return f"note that it is {whose} turn to join"


@dataclass(frozen=True)
class MakeToken:
    """A join token for one unit exists and is sealed to its key."""

    unit: str
    name: str
    key: str = field(repr=False)
    attempt: int
    adopted: bool
    soon: frozenset[str] = frozenset()
    """Pools and networks that are asked for: who joins gives to those that are half made, too."""

    def __str__(self) -> str:
        return f"make a join token for {self.unit}"


@dataclass(frozen=True)
class CancelToken:
    """No join token for this member name exists any more."""

    name: str
    digest: str

    def __str__(self) -> str:
        return f"cancel the join token of {self.name}"


@dataclass(frozen=True)
class SetFailureDomain:
    """LXD knows which failure domain this member is in."""

    name: str
    domain: str

    def __str__(self) -> str:
        return f"set the failure domain of {self.name} to {self.domain}"


@dataclass(frozen=True)
class RestartLxd:
    """LXD's daemon here has read the cluster's configuration. Instances go on."""

    def __str__(self) -> str:
        return "restart LXD, so that it reads the cluster's configuration"


@dataclass(frozen=True)
class SetRole:
    """These members have the role, or have it no more."""

    role: str
    members: Mapping[str, bool]

    def __str__(self) -> str:
        given = [name for name, has in sorted(self.members.items()) if has]
        taken = [name for name, has in sorted(self.members.items()) if not has]
        told = [f"give the role {self.role} to {', '.join(given)}"] if given else []
        told += [f"take it from {', '.join(taken)}"] if taken else []
        return "; ".join(told)


@dataclass(frozen=True)
class ForgetForming:
    """The notes of a bootstrap or join under way, and of failed joins, are gone."""

    def __str__(self) -> str:
        return "note that forming is over"


@dataclass(frozen=True)
class AwaitJoin:
    """Whoever had a join token that was used is a member, or has had the time to become one."""

    name: str

    def __str__(self) -> str:
        return f"wait until {self.name}, which has a token, has joined"


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
    | NoteSilence
    | CreatePool
    | UpdatePool
    | KeepRoots
    | KeepNics
    | KeepOnVolume
    | DropVolume
    | GatherVolume
    | RestoreFolder
    | StartWithoutVolume
    | CreateNetwork
    | RunSegment
    | EndSegment
    | UpdateNetwork
    | SetDefaultProfile
    | EnableCluster
    | Join
    | ResetLxd
    | PassTurn
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
