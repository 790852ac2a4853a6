"""LXD and its cluster, as a unit sees them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from state.lxd_objects import Bucket, Image, Instance, Volume
from state.peers import UnitData

CLOSED = "manual"
"""The value of `scheduler.instance` with which LXD places nothing on a member by itself."""


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
        for member in self.members:
            if member.name == name:
                return member
        return None

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
