"""What a unit sees: the facts that a plan is made from, as plain values.

Nothing here does I/O. `observe` fills these in, `plan` reads them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from facts import Bound, Ceph, DatabaseCopy, Failures, Folder, Ovn, Proxies, Resource, SnapFacts
from holdings import Bucket, Image, Instance, Volume
from networks.interface import Interface
from options import Options
from peers import VERSION, AppData, Token, UnitData
from silent import Silent
from storage.wanted import WantedPool, named_in_ceph


@dataclass(frozen=True)
class Member:
    """One row of LXD's list of members."""

    name: str
    address: str
    status: str
    roles: frozenset[str]
    failure_domain: str
    message: str = ""
    architecture: str = ""
    groups: frozenset[str] = frozenset()
    scheduler: str = ""
    """Its `scheduler.instance`: what LXD places on it. Empty means anything."""
    answers: bool = True
    """False where LXD calls it evacuated, and it does not take a connection."""

    @property
    def online(self) -> bool:
        """Whether LXD had a heartbeat from it lately."""
        return self.status == "ONLINE"

    @property
    def up(self) -> bool:
        """Whether its daemon is there, in service or evacuated."""
        return self.online or (self.evacuated and self.answers)

    @property
    def evacuated(self) -> bool:
        """Whether it was evacuated. LXD says so of a dead member, too."""
        return self.status == "EVACUATED"

    @property
    def offline(self) -> bool:
        """Whether LXD has had no heartbeat from it for the offline threshold."""
        return self.status == "OFFLINE"

    @property
    def blocked(self) -> bool:
        """Whether it is there and waits, as all others do, until all have one version of LXD.

        From 5.21 on LXD says so of every member once one runs another version (measured).
        """
        return self.status == "BLOCKED"

    @property
    def leads(self) -> bool:
        """Whether it leads the database's Raft group."""
        return "database-leader" in self.roles

    @property
    def voter(self) -> bool:
        """Whether it votes in the database's Raft group.

        LXD 6.x calls the role `database-voter`, and shows the leader, which votes, as
        `database-leader` alone.
        """
        return bool(self.roles & {"database", "database-voter", "database-leader"})


def several_vote(members: Iterable[Member]) -> bool:
    """Whether the database's Raft group has more than one voter."""
    return sum(m.voter for m in members) > 1


@dataclass(frozen=True)
class Pool:
    """A storage pool that LXD knows."""

    name: str
    driver: str
    status: str
    used_by: frozenset[str]
    config: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def half_made(self) -> bool:
        """Whether its creation began and did not succeed on all members."""
        return self.errored or self.status.upper() == "PENDING"

    @property
    def errored(self) -> bool:
        """Whether it is defined on all members, and was made on some of them only."""
        return self.status.upper() == "ERRORED"

    @property
    def users(self) -> list[str]:
        """What it holds or serves. Images do not count: LXD fetches them again."""
        return sorted(user for user in self.used_by if not user.startswith("/1.0/images/"))


@dataclass(frozen=True)
class Network:
    """A network that LXD manages."""

    name: str
    type: str
    status: str
    config: Mapping[str, str]
    used_by: frozenset[str]
    parents: Mapping[str, str] = field(default_factory=dict[str, str])
    """By member: the interface that it is on. Known while another is asked for."""

    @property
    def half_made(self) -> bool:
        """Whether its creation began and did not succeed on all members."""
        return self.status.upper() in ("PENDING", "ERRORED")


@dataclass(frozen=True)
class Server:
    """LXD on this machine, as GET /1.0 tells of it."""

    version: str
    clustered: bool
    name: str
    fingerprint: str
    drivers: frozenset[str]
    config: Mapping[str, str]
    extensions: frozenset[str] = frozenset()
    """Extensions of the API: what this LXD can do, whatever its version is."""


@dataclass(frozen=True)
class Lxd:
    """LXD on this machine and, once it is clustered, the cluster seen from here.

    What is None this run has no use for: `networks` are asked for by the steward and before the
    cluster, `instances`, `volumes` and `buckets` where somebody leaves, `images` by the last one.
    """

    server: Server
    members: tuple[Member, ...] = ()
    pools: tuple[Pool, ...] | None = None
    networks: tuple[Network, ...] | None = None
    instances: tuple[Instance, ...] | None = None
    volumes: tuple[Volume, ...] | None = None
    buckets: tuple[Bucket, ...] | None = None
    images: tuple[Image, ...] | None = None
    allowed: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    """By project: the cluster groups that its instances must be in. Most are not restricted."""
    evacuating: bool = False
    """Whether an evacuation of this member is under way, where it leaves."""
    nic: Mapping[str, str] | None = None
    """The default profile's `eth0`, empty without one. Only the steward asks."""
    projects: frozenset[str] = frozenset()
    """Of a server that is in no cluster."""
    devices: frozenset[str] = frozenset()
    """Of the default profile of such a server."""
    notes: Mapping[str, str] = field(default_factory=dict[str, str])
    """What the charm keeps in LXD's database: the same for all members at any moment."""
    unavailable: Mapping[str, str] = field(default_factory=dict[str, str])
    """Pools that this member cannot use now, and what is missing. Of a member that stays."""
    on_devices: frozenset[str] = frozenset()
    """Pools of which this member's part is on a device. Of the same."""
    stopped: Mapping[str, str] = field(default_factory=dict[str, str])
    """Networks that do not run on this member, and why. Of a member that stays."""
    deaf: Mapping[str, str] = field(default_factory=dict[str, str])
    """This machine's addresses on which LXD should listen and does not: the program that listens
    there instead, empty where none does. Not of one that leaves."""
    unreachable: frozenset[str] = frozenset()
    """Members that one that leaves could not reach itself: LXD calls them online for a while."""
    closed: frozenset[str] = frozenset()
    """Units that are to join whose LXD this member cannot reach. Of the one that lets them in."""
    doomed: frozenset[str] = frozenset()
    """Members whose units Juju has no more, where somebody leaves."""
    going: frozenset[str] = frozenset()
    """Members whose units leave."""
    bridges: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    """By member, where somebody leaves: bridges of its machine that the charm's networks are on."""
    refusals: Mapping[str, str] = field(default_factory=dict[str, str])
    """By request: why LXD refused what this run can do without."""

    def member(self, name: str) -> Member | None:
        """The member called `name`, if there is one."""
        return next((m for m in self.members if m.name == name), None)

    def member_of(self, data: UnitData) -> Member | None:
        """The member of a unit. An operator may have renamed it; its address cannot change."""
        at_address = (m for m in self.members if data.cluster and m.address == data.address)
        return self.member(data.name) or next(at_address, None)

    @property
    def own(self) -> Member | None:
        """The member that this server is, None while LXD does not list it."""
        return self.member(self.server.name)

    @property
    def identity(self) -> str:
        """What tells this cluster from every other, empty where its database does not say."""
        return self.notes.get("identity", "")


@dataclass(frozen=True)
class Device:
    """A block device that the operator offers, and what is on it.

    `use` says what keeps it from being used or wiped, `holds` what would be lost by that, `ids` are
    its serial number and the UUIDs of what is on it.
    """

    path: str
    size: int
    """Bytes."""
    use: str = ""
    holds: str = ""
    ids: tuple[str, ...] = ()
    node: str = ""
    """The path without links. A device has several with them."""
    partitions: tuple[str, ...] = ()
    """In words: name, size, what is on it."""


RESET = "reset"
"""What is noted while LXD is reset: one that was cut short is begun again."""


@dataclass(frozen=True)
class Forming:
    """What this unit noted before it began to bootstrap, join or reset, cleared once published."""

    what: str
    since: float
    devices: tuple[str, ...] = ()
    """The block devices that were empty and go into pools with it."""


@dataclass(frozen=True)
class Units:
    """What Juju knows of the application's units, whatever the peer relation says.

    Juju can lose a `relation-departed` (LP 1947416): a unit that is not in `known` is gone.
    """

    known: frozenset[str]
    leaving: frozenset[str] = frozenset()

    @property
    def staying(self) -> frozenset[str]:
        """The units that the operator wants."""
        return self.known - self.leaving


@dataclass(frozen=True)
class Peers:
    """The peer relation as this unit reads it: what was committed when the hook began."""

    app: AppData
    own: UnitData
    others: Mapping[str, UnitData]

    @property
    def newer(self) -> bool:
        """Whether somebody wrote what this charm does not understand."""
        return max(self.app.version, self.own.version) > VERSION or bool(self.newer_units)

    @property
    def newer_units(self) -> tuple[str, ...]:
        """Other units that did."""
        return tuple(sorted(u for u, d in self.others.items() if d.version > VERSION))

    @property
    def unsure(self) -> tuple[str, ...]:
        """Other units that were joining when their LXD fell silent, and may be members."""
        return tuple(sorted(u for u, d in self.others.items() if d.unsure))

    def data(self, unit: str, me: str) -> UnitData | None:
        """What `unit` published, None when it is not there."""
        return self.own if unit == me else self.others.get(unit)


EVERY_MEMBER = "*"
"""In the place of a member's name, which has letters."""


@dataclass(frozen=True)
class Events:
    """What happened earlier in this same run and no look can find out."""

    made: Token | None = None
    join_failure: str = ""
    refused: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])
    """By instance, by member that should take it: why it could not be moved there. Under
    `EVERY_MEMBER` why it cannot be moved anywhere in this run."""
    noted: frozenset[str] = frozenset()
    """Instances that no member took, and that this run has put on record."""
    copied: bool = False
    """LXD was told to copy the images that one member alone has."""
    only_copies: tuple[str, ...] = ()
    """Fingerprints of images for whose sake LXD kept this member."""
    started: frozenset[str] = frozenset()
    """Those that were started again, or could not be."""
    withdrawn: bool | None = None
    """Whether the token that is still published was cancelled: False if it was used before."""
    passed: str = ""
    """The unit that this member has just given the turn to."""
    awaited: bool = False
    """Whoever used it was waited for."""
    restarted: bool = False
    """LXD's daemon here was started anew."""
    roles_awaited: bool = False
    """LXD was given time to decide which of its last two members votes."""


@dataclass(frozen=True)
class View:
    """Everything a plan may depend on."""

    unit: str
    leader: bool
    now: float
    options: Options
    resource: Resource | None
    hostname: str
    cluster_address: str
    https_address: str
    zone: str
    public_key: str
    snap: SnapFacts
    lxd: Lxd | Silent | None
    peers: Peers | None
    unbound: Mapping[str, str] = field(default_factory=dict[str, str])
    """By binding of which Juju cannot say anything: why."""
    units: Units | None = None
    """None where nobody asked Juju: leaders do, leavers, and who sees a unit without a place."""
    leaving: bool = False
    tells: bool = False
    """Whether what a unit that leaves writes reaches the others."""
    forming: Forming | None = None
    holds_data: bool = False
    """Whether a silent LXD has instances or volumes. Looked at after a failed join and to leave."""
    failures: Failures | None = None
    noted_identity: str = ""
    """The cluster that this machine's LXD was in when it was last looked at."""
    noted_units: Mapping[str, str] = field(default_factory=dict[str, str])
    """By address: the units whose members had the database when LXD last answered here."""
    silent_since: float | None = None
    """When LXD was first seen silent, in seconds since the epoch. None while it answers."""
    database: DatabaseCopy | None = None
    """Looked at where a member's database, or the LXD of an outsider that leaves, is silent."""
    folders: Mapping[str, Folder] = field(default_factory=dict[str, Folder])
    """By kind, `images` and `backups`: where LXD has them here. Of a member."""
    arch: str = ""
    """The machine's architecture, as its kernel calls it."""
    given_devices: tuple[str, ...] = ()
    """Block devices that Juju gave this unit, for the default pool."""
    devices: Mapping[tuple[str, ...], tuple[Device, ...]] = field(
        default_factory=dict[tuple[str, ...], tuple[Device, ...]]
    )
    """Those that are there, by paths and globs. Empty where this run has no use for them."""
    room: int | None = None
    """Bytes that are free where LXD makes the files of its pools. Looked at with the devices."""
    ceph: Ceph | None = None
    """None without the relation."""
    ovn: Ovn | None = None
    """None where no network is OVN's."""
    lacks: Mapping[str, str] = field(default_factory=dict[str, str])
    """By what a network needs of each machine beside LXD: what is missing here."""
    bound: Bound = field(default_factory=Bound)
    proxies: Proxies = field(default_factory=Proxies)
    segments: Mapping[str, str] = field(default_factory=dict[str, str])
    """By network: what is noted of the segment that runs on this machine, empty if it does not."""
    interfaces: tuple[Interface, ...] = ()
    """Of this machine. Empty where no network asks for them."""
    events: Events = field(default_factory=Events)

    @cached_property
    def default_pool(self) -> WantedPool:
        """The default pool as the operator asks for it, on Juju's storage first."""
        pool = named_in_ceph(self.options.default_pool, self.unit)
        return replace(pool, devices=(*self.given_devices, *pool.devices))

    @cached_property
    def more_pools(self) -> tuple[WantedPool, ...]:
        """The other pools that the operator asks for."""
        return tuple(named_in_ceph(pool, self.unit) for pool in self.options.more_pools)
