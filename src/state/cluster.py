# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""LXD and its cluster in a unit's view."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from state.lxd_objects import Bucket, Image, Instance, Volume
from state.peers import UnitData

_IN_DATABASE = frozenset({"database", "database-voter", "database-standby", "database-leader"})
RESTRICTED_GROUPS = "restricted.cluster.groups"
"""A project's key for the cluster groups that it may use."""
CLOSED = "manual"
"""With this value of `scheduler.instance` LXD places nothing on a member by itself."""


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
    """False if LXD calls it evacuated, and it does not accept a connection."""

    @property
    def online(self) -> bool:
        """Whether LXD had a heartbeat from it recently."""
        return self.status == "ONLINE"

    @property
    def up(self) -> bool:
        """Whether its daemon is up, in service or evacuated."""
        return self.online or (self.evacuated and self.answers)

    @property
    def evacuated(self) -> bool:
        """Whether it was evacuated. LXD also says so of a dead member."""
        return self.status == "EVACUATED"

    @property
    def offline(self) -> bool:
        """Whether LXD has had no heartbeat from it for the offline threshold."""
        return self.status == "OFFLINE"

    @property
    def blocked(self) -> bool:
        """Whether it is up and waits, like all others, until all have one version of LXD.

        From 5.21 on LXD says so of every member once one runs another version (measured).
        """
        return self.status == "BLOCKED"

    @property
    def newer(self) -> bool:
        """Whether it runs a later LXD than others. Only its message tells (5.21 and later)."""
        return self.blocked and "is newer than" in self.message

    @property
    def leads(self) -> bool:
        """Whether it is the database's Raft leader."""
        return "database-leader" in self.roles

    @property
    def voter(self) -> bool:
        """Whether it votes in the database's Raft group.

        LXD 6.x calls the role `database-voter`, and shows the leader, which also votes, only as
        `database-leader`.
        """
        return bool(self.roles & {"database", "database-voter", "database-leader"})


def several_vote(members: Iterable[Member]) -> bool:
    """Whether the database's Raft group has more than one voter."""
    return sum(m.voter for m in members) > 1


@dataclass(frozen=True)
class Pool:
    """A storage pool in LXD."""

    name: str
    driver: str
    status: str
    used_by: frozenset[str]
    config: Mapping[str, str] = field(default_factory=dict[str, str])
    deleting: bool = False
    """Whether its deletion began, so that members may have no part in it any more."""

    @property
    def half_made(self) -> bool:
        """Whether its creation or its deletion began and did not succeed on all members."""
        return self.deleting or self.errored or self.defined

    @property
    def defined(self) -> bool:
        """Whether it is defined on members, and made on none. Outside a cluster LXD may make it."""
        return self.status.upper() == "PENDING"

    @property
    def errored(self) -> bool:
        """Whether it is defined on all members, but made only on some of them."""
        return self.status.upper() == "ERRORED"

    @property
    def usable(self) -> bool:
        """Whether it can be used here. Only an LXD outside a cluster says that in its list."""
        return self.status.upper() == "CREATED"

    @property
    def users(self) -> list[str]:
        """Its users. Images do not count: LXD downloads them again."""
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
    """By member: its parent interface. Known while another one is wanted."""

    @property
    def half_made(self) -> bool:
        """Whether its creation began and did not succeed on all members."""
        return self.errored or self.defined

    @property
    def defined(self) -> bool:
        """Whether it is defined on members, and made on none."""
        return self.status.upper() == "PENDING"

    @property
    def errored(self) -> bool:
        """Whether it is defined on all members, but made only on some of them."""
        return self.status.upper() == "ERRORED"


@dataclass(frozen=True)
class Zfs:
    """The kernel's zfs, and whether LXD's snap has tools for it."""

    version: str
    """Its first two numbers: tools fit all versions with the same ones."""
    tools: bool


@dataclass(frozen=True)
class Server:
    """LXD on this machine, from GET /1.0."""

    version: str
    clustered: bool
    name: str
    fingerprint: str
    drivers: frozenset[str]
    config: Mapping[str, str]
    extensions: frozenset[str] = frozenset()
    """Extensions of the API: they say what this LXD can do, in any version."""
    process: int = 0
    """The id of its daemon's process."""
    old_name: str = ""
    """The name that the daemon had when it started, if an operator has renamed the member since
    then and the daemon does not know.
    """
    in_container: bool = False
    """Whether it runs in a user namespace, where it cannot mount a file system."""
    zfs: Zfs | None = None
    """The kernel's, None if it is not loaded or LXD does not use its snap's tools for it."""


@dataclass(frozen=True)
class ClusterView:
    """LXD on this machine and, once it is clustered, the cluster as this member sees it.

    None is what this run does not need: only the coordinator and units outside the cluster need
    `networks`; runs while a unit leaves need `instances`, `volumes` and `buckets`; the last unit
    and units outside the cluster need `images`.
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
    """By project: the cluster groups of its instances. Most projects have no such restriction."""
    placements: Mapping[str, str] = field(default_factory=dict[str, str])
    """By placement group, as PROJECT/NAME: its policy and its rigor, such as `spread strict`."""
    evacuating: bool = False
    """Whether LXD evacuates or restores this member now, if it leaves."""
    nic: Mapping[str, str] | None = None
    """The default profile's `eth0`, empty without one. Only the coordinator asks."""
    raw_nics: Mapping[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    """By member and interface: an instance there with a nic on that interface, without a network of
    LXD. Only the coordinator asks, while an uplink is to be made.
    """
    without_nic: Mapping[str, str] = field(default_factory=dict[str, str])
    """Running instances that lack the default profile's nic, with their last start. Only the
    coordinator asks, and only about those that a note names.
    """
    root: str | None = None
    """The pool of the default profile's root disk, empty without one. Only the coordinator asks,
    and others if the profile uses several pools.
    """
    profiles: frozenset[str] = frozenset()
    """Those of the default project, for a server outside a cluster."""
    projects: frozenset[str] = frozenset()
    """For a server outside a cluster."""
    devices: frozenset[str] = frozenset()
    """Those of the default profile of such a server."""
    notes: Mapping[str, str] = field(default_factory=dict[str, str])
    """The charm's notes in LXD's database: the same for all members at any moment."""
    unavailable: Mapping[str, str] = field(default_factory=dict[str, str])
    """Pools that this member cannot use now, with what is missing. For a member that stays."""
    degraded: Mapping[str, str] = field(default_factory=dict[str, str])
    """Pools whose part on this member works and has lost a device, with what the kernel says. For a
    member that stays.
    """
    sources: Mapping[str, str] = field(default_factory=dict[str, str])
    """By pool: the given source of its part on this member, such as a device or a folder. A pool in
    LXD's own folder is not in it. For a member that stays.
    """
    own_parents: Mapping[str, str] = field(default_factory=dict[str, str])
    """By network of the options: its interface on this member, while no other list of names is
    wanted. For a member that stays.
    """
    stopped: Mapping[str, str] = field(default_factory=dict[str, str])
    """Networks that do not run on this member, with the reason. For a member that stays."""
    not_listening: Mapping[str, str] = field(default_factory=dict[str, str])
    """This machine's addresses on which LXD should listen and does not: the program that listens
    there instead, empty if there is none. Not for a leaving member.
    """
    unreachable: frozenset[str] = frozenset()
    """Members that a leaving member could not reach, and that LXD still calls online."""
    without_heartbeat: frozenset[str] = frozenset()
    """Members that LXD calls offline and that answer this machine. Only for a Raft leader that is
    evacuated: LXD never calls it offline.
    """
    clock_ahead: bool = False
    """Whether LXD here calls this member offline because the clock is ahead of the Raft leader's.
    """
    unreachable_units: frozenset[str] = frozenset()
    """Units that are to join whose LXD this member cannot reach. For the member that admits them.
    """
    join_obstacles: Mapping[tuple[str, str], str] = field(
        default_factory=dict[tuple[str, str], str]
    )
    """By project and name: a hidden network, or a cluster group that the project names, and the
    project's key for it. For the member that admits units, while one waits.
    """
    orphaned: frozenset[str] = frozenset()
    """Members whose units Juju no longer has, if a unit leaves."""
    leaving: frozenset[str] = frozenset()
    """Members whose units leave."""
    bridges: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    """By member, if a unit leaves: bridges of its machine that the charm's networks are on."""
    refusals: Mapping[str, str] = field(default_factory=dict[str, str])
    """By request: LXD's reason to refuse something that this run does not need."""

    def member(self, name: str) -> Member | None:
        """The member called `name`, if there is one."""
        for member in self.members:
            if member.name == name:
                return member
        return None

    def member_of(self, data: UnitData) -> Member | None:
        """The member of a unit. An operator may have renamed it; its address cannot change.

        Another member may have got its name. A unit that has not said that it is a member may wait
        to join, with a name or an address that a member has.
        """
        if not data.address:
            return self.member(data.name)
        for member in self.members:
            if member.address == data.address:
                return member if data.cluster or member.name == data.name else None
        return None

    @property
    def own(self) -> Member | None:
        """The member of this server, None while LXD does not list it."""
        return self.member(self.server.name)

    @property
    def identity(self) -> str:
        """The identifier of this cluster, empty if its database does not have it."""
        return self.notes.get("identity", "")


def can_take_over(lxd: ClusterView, other: Member) -> bool:
    """Whether the member that leaves may leave the database to `other`, the last one.

    LXD 5.0 and 6.9 first make a stand-by a voter, but not a spare: then both lose the database
    (measured).
    """
    return has_database(other) or promotes_any(lxd.server.extensions)


def has_database(member: Member) -> bool:
    """Whether a member has a copy of the database."""
    return bool(member.roles & _IN_DATABASE)


def promotes_any(extensions: Collection[str]) -> bool:
    """Whether LXD makes the last member a voter when the other one leaves, whatever its role was.

    LXD 5.21 does. Extensions that 5.21 lacks came with 6.x, and 6.9 does not do it (measured).
    """
    return "explicit_trust_token" in extensions and "daemon_storage_per_project" not in extensions
