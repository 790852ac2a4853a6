# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Relations, bindings, services, devices and the snap in a unit's view, as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum


@dataclass(frozen=True)
class Ceph:
    """The answer of the application's Ceph to this unit."""

    user: str
    key: str = field(repr=False)
    monitors: tuple[str, ...]
    granted: bool
    """Whether it has made what was requested."""
    problem: str = ""
    malformed: str = ""
    """The part of its answer with a wrong form: then nothing of it is written."""
    written: bool = False
    """Whether this machine has its current configuration and key."""
    users: frozenset[str] = frozenset()
    """The users of Ceph that this machine has a key of, for this Ceph."""
    same: bool = True
    """Whether it is the Ceph of this machine's files, as far as a key or a monitor tells."""

    @property
    def opens(self) -> bool:
        """Whether it says how to reach it. A later request may still be unanswered."""
        return bool(self.key) and bool(self.monitors) and not self.malformed

    @property
    def ready(self) -> bool:
        """Whether LXD has everything to use it."""
        return self.granted and self.opens


@dataclass(frozen=True)
class OverlayDhcp:
    """A member's part of a network that is one layer 2 over all members.

    It gives out addresses from `first` to `last`. Without a multicast `group`, `peers` are the
    other members' addresses.
    """

    network: str
    gateway: str = ""
    """With its prefix length. Empty for a network without IPv4: then there is no DHCP."""
    first: str = ""
    last: str = ""
    mac: str = ""
    group: str = ""
    mtu: str = "1400"
    """Bytes. LXD's default for a bridge with a tunnel (`setup` in driver_bridge.go, 5.0 to 6.9)."""
    peers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ovn:
    """The OVN of the relations or the option, as this unit may use it."""

    northbound: str
    """LXD's connection to its database, empty until one is published."""
    certificate: str = ""
    key: str = field(default="", repr=False)
    authority: str = ""
    """The certificate of the authority."""
    problem: str = ""
    """Why the data about it cannot be used."""
    written: bool = True
    """Whether this machine has the files that open the database."""
    microovn: bool = False
    """Whether MicroOVN gave the connection: its certificates come by a connection of snaps."""


@dataclass(frozen=True)
class Bound:
    """The interface of the binding `network` on this machine."""

    interface: str = ""
    subnet: str = ""
    """A CIDR."""


@dataclass(frozen=True)
class Proxies:
    """The model's proxies. Their URLs may contain passwords."""

    http: str = field(default="", repr=False)
    https: str = field(default="", repr=False)
    ignored: str = ""
    """Hosts and subnets that need none, separated by commas."""


@dataclass(frozen=True)
class Resource:
    """The attached LXD snap. The digest distinguishes two files on any unit."""

    path: str
    digest: str


@dataclass(frozen=True)
class SnapFacts:
    """The disk's facts about the LXD snap, without a request to snapd."""

    snapd: bool
    deb: bool
    installed: bool
    revision: str = ""
    version: str = ""
    """The version of the installed snap, from its metadata."""
    channel: str = ""
    """The channel that it follows, empty for one that is not from the store."""
    held: bool = True
    """Whether snapd never refreshes it by itself."""
    offered: str = ""
    """The version of the attached file if it is not the installed one."""
    architectures: tuple[str, ...] = ()
    """Those of the attached file, in the names of snaps; empty if it runs on all."""
    needs_snapd: str = ""
    """What the attached file needs if this machine's snapd is older, such as `snapd2.75`."""
    same_as_resource: bool = True
    foreign: bool = False
    """Whether it is installed, in another revision than this charm installed last."""
    disabled: bool = False
    """Whether it is on the disk, and no revision is in use: `snap disable` keeps all its data."""
    changing: bool = False
    """Whether snapd works on it: then it is not in use for a moment. Known only if `disabled`."""
    untouched: bool = False
    """Whether its daemon has never run: there is no database."""
    unfinished: bool = False
    """Its installation was interrupted: plugs, the name lxc or the hold may be missing."""


class Role(str, Enum):
    """A member's role in the database's Raft group, in LXD's own words."""

    VOTER = "voter"
    STAND_BY = "stand-by"
    SPARE = "spare"


@dataclass(frozen=True)
class DatabaseNode:
    """A member in this machine's list of the database's Raft group.

    The list is on the disk: it is as old as the last message of the group's leader.
    """

    address: str
    name: str
    role: Role


@dataclass(frozen=True)
class DatabaseCopy:
    """The disk's facts about the database while that does not answer."""

    nodes: tuple[DatabaseNode, ...]
    term: int
    index: int
    """The index of the last entry in its log: see `Entry`."""

    def node(self, address: str) -> DatabaseNode | None:
        """The member that has this address."""
        return next((n for n in self.nodes if n.address == address), None)

    @property
    def voters(self) -> frozenset[str]:
        """Addresses of the voters."""
        return frozenset(n.address for n in self.nodes if n.role is Role.VOTER)


@dataclass(frozen=True)
class Folder:
    """The place of LXD's images or backups on this machine, whatever its configuration says."""

    volume: str = ""
    """The custom volume, as POOL/VOLUME. Empty for the folder on the root disk."""
    cut_short: bool = False
    """Whether a move of them left something behind."""
    filled: bool = False
    """Whether the folder on the root disk has any content."""


@dataclass(frozen=True)
class Failures:
    """This unit's failed joins, one after the other, and the error of the last one."""

    count: int
    last: str
    next_attempt: int = 0
    """The unit's attempt after the last one: the hook may be killed before it publishes that."""


@dataclass(frozen=True, order=True)
class Entry:
    """The last entry of a log. The greater entry is in the newer copy."""

    term: int
    index: int


@dataclass(frozen=True)
class Device:
    """A block device that the operator offers, with its content.

    `use` says what prevents its use or wipe, `holds` what a wipe would destroy, `ids` are its
    serial number and the UUIDs of its content.
    """

    path: str
    size: int
    """Bytes."""
    use: str = ""
    holds: str = ""
    ids: tuple[str, ...] = ()
    node: str = ""
    """The path without links. A device with links has several paths."""
    partitions: tuple[str, ...] = ()
    """In words: name, size, content."""
    unique: tuple[str, ...] = ()
    """What no other disk has: its name in the world, if it has one, and the UUIDs of its content.
    Another machine that sees the disk sees the same.
    """
    disk: str = ""
    """For a partition: the path of its disk, without links. A guest may have the disk whole."""

    @property
    def parts(self) -> tuple[str, ...]:
        """The paths of its partitions, without links."""
        folder = self.node.rpartition("/")[0]
        return tuple(f"{folder}/{words.split()[0]}" for words in self.partitions)


@dataclass(frozen=True)
class Forming:
    """This unit's note before it began to bootstrap, join or reset. Cleared once published."""

    what: str
    since: float
    devices: tuple[str, ...] = ()
    """The block devices that were empty and become parts of pools with it."""
