"""What relations, bindings, services, devices and the snap are to a unit, as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum


@dataclass(frozen=True)
class Ceph:
    """What a Ceph that the application is integrated with has said to this unit."""

    user: str
    key: str = field(repr=False)
    monitors: tuple[str, ...]
    granted: bool
    """Whether it has made what was asked for."""
    problem: str = ""
    malformed: str = ""
    """What it has said in a form that cannot be: nothing is written of it."""
    written: bool = False
    """Whether this machine has its configuration and key as they are now."""

    @property
    def ready(self) -> bool:
        """Whether all is there that LXD needs to use it."""
        return self.granted and bool(self.key) and bool(self.monitors)


@dataclass(frozen=True)
class OverlayDhcp:
    """What a member runs for a network that is one layer 2 over all members.

    It gives out addresses from `first` to `last`. `peers` are the other members' addresses where
    there is no multicast `group` to find them by.
    """

    network: str
    gateway: str
    """With its prefix length."""
    first: str
    last: str
    mac: str
    group: str
    peers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ovn:
    """The OVN of the relations or the option, as this unit may use it."""

    northbound: str
    """How LXD reaches its database, empty while nobody has said."""
    certificate: str = ""
    key: str = field(default="", repr=False)
    authority: str = ""
    """The certificate of whoever signed."""
    problem: str = ""
    """Why what was said of it is of no use."""
    written: bool = True
    """Whether this machine has what opens the database."""


@dataclass(frozen=True)
class Bound:
    """What carries the binding `network` on this machine."""

    interface: str = ""
    subnet: str = ""
    """A CIDR."""


@dataclass(frozen=True)
class Proxies:
    """The model's proxies. Their URLs may have passwords."""

    http: str = field(default="", repr=False)
    https: str = field(default="", repr=False)
    ignored: str = ""
    """Hosts and subnets that need none, apart by commas."""


@dataclass(frozen=True)
class Resource:
    """The LXD snap that the operator attached. The digest tells two files apart on any unit."""

    path: str
    digest: str


@dataclass(frozen=True)
class SnapFacts:
    """What the disk says of the LXD snap, without asking snapd."""

    snapd: bool
    deb: bool
    installed: bool
    revision: str = ""
    version: str = ""
    """Of the installed snap, as it says itself."""
    channel: str = ""
    """That it follows, empty for one that is not from the store."""
    offered: str = ""
    """Version of the attached file where that is another one than is installed."""
    same_as_resource: bool = True
    foreign: bool = False
    """Whether it is installed, and not in the revision that this charm installed last."""
    untouched: bool = False
    """Whether its daemon has never run: there is no database."""
    unfinished: bool = False
    """Its installation was cut short: plugs, the name lxc or the hold may be missing."""


class Role(str, Enum):
    """A member's part in the database's Raft group, in LXD's own words."""

    VOTER = "voter"
    STAND_BY = "stand-by"
    SPARE = "spare"


@dataclass(frozen=True)
class DatabaseNode:
    """A member as LXD's list of its database's Raft group on this machine has it.

    The list is on the disk: it is as old as the last word of the group's leader.
    """

    address: str
    name: str
    role: Role


@dataclass(frozen=True)
class DatabaseCopy:
    """What this machine's disk says of the database while that does not answer."""

    nodes: tuple[DatabaseNode, ...]
    term: int
    index: int
    """Of the last entry in its log: see `Entry`."""

    def node(self, address: str) -> DatabaseNode | None:
        """The member that has this address."""
        return next((n for n in self.nodes if n.address == address), None)

    @property
    def voters(self) -> frozenset[str]:
        """Addresses of the members that vote."""
        return frozenset(n.address for n in self.nodes if n.role is Role.VOTER)


@dataclass(frozen=True)
class Folder:
    """Where LXD has its images or its backups on this machine, whatever its configuration says."""

    volume: str = ""
    """The custom volume, as POOL/VOLUME. Empty for the folder on the root disk."""
    cut_short: bool = False
    """Whether a move of them left something behind."""
    filled: bool = False
    """Whether there is anything in the folder on the root disk."""


@dataclass(frozen=True)
class Failures:
    """Joins of this unit that failed one after the other, and what the last one said."""

    count: int
    last: str


@dataclass(frozen=True, order=True)
class Entry:
    """The last entry of a log. The greater one is of the newer copy."""

    term: int
    index: int


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


@dataclass(frozen=True)
class Forming:
    """What this unit noted before it began to bootstrap, join or reset, cleared once published."""

    what: str
    since: float
    devices: tuple[str, ...] = ()
    """The block devices that were empty and go into pools with it."""
