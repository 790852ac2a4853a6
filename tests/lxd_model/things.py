# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The objects of clusters, from their database. These values never change: they are replaced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Config = Mapping[str, str]
Devices = Mapping[str, Config]
NO_CONFIG: Config = {}

DEFAULT = "default"
"""The project, and the profile, that every LXD has."""
_TRUE = ("true", "1", "yes", "on")


def is_true(value: str) -> bool:
    """LXD's `shared.IsTrue`: it stores these words as they were written."""
    return value.lower() in _TRUE


@dataclass(frozen=True)
class Instance:
    """An instance and its location: `config` and `devices` are its own, without its profiles'."""

    project: str
    name: str
    location: str
    running: bool = False
    config: Config = field(default_factory=dict[str, str])
    devices: Devices = field(default_factory=dict[str, Config])
    profiles: tuple[str, ...] = (DEFAULT,)
    ephemeral: bool = False
    kind: str = "container"
    description: str = ""
    launched: float = 0.0
    started: float = 0.0
    fixed: bool = False
    """LXD cannot change its devices while it runs: a virtual machine may have no free slot."""
    lacking: frozenset[str] = frozenset()
    """Nics of its profiles that it did not get while it runs."""
    pool: str = ""
    """The actual pool of its root disk."""
    wanted: bool = False
    """Whether its daemon starts it again: it ran when the daemon, or an evacuation, stopped it."""

    @property
    def key(self) -> tuple[str, str]:
        """A key that no two instances share."""
        return self.project, self.name

    @property
    def evacuate(self) -> str:
        """Its own `cluster.evacuate`, `auto` if not set."""
        return self.config.get("cluster.evacuate", "auto")

    @property
    def origin(self) -> str:
        """The member that an evacuation moved it from, empty if there was none."""
        return self.config.get("volatile.evacuate.origin", "")

    def __str__(self) -> str:
        return f"{self.project}/{self.name}"


@dataclass(frozen=True)
class Volume:
    """A custom volume. Its location is empty if all members have the pool's content."""

    project: str
    pool: str
    name: str
    location: str
    config: Config = field(default_factory=dict[str, str])
    description: str = ""

    @property
    def key(self) -> tuple[str, str, str, str]:
        """A key that no two volumes share: several members may have one of the same name."""
        return self.project, self.pool, self.name, self.location

    def __str__(self) -> str:
        return f"volume {self.project}/{self.pool}/{self.name}"


@dataclass(frozen=True)
class Bucket:
    """A storage bucket. LXD does not count it: it goes with its member."""

    project: str
    pool: str
    name: str
    location: str

    @property
    def key(self) -> tuple[str, str, str, str]:
        """A key that no two buckets share."""
        return self.project, self.pool, self.name, self.location

    def __str__(self) -> str:
        return f"bucket {self.project}/{self.pool}/{self.name}"


@dataclass(frozen=True)
class Image:
    """An image and the members that have a copy."""

    fingerprint: str
    copies: frozenset[str]
    project: str = DEFAULT

    def __str__(self) -> str:
        return f"image {self.fingerprint}"


@dataclass(frozen=True)
class Pool:
    """A storage pool. `status` is Pending, Created or Errored, `members` has each member's own
    keys.

    `made` are the members that have made their part, `gone` those of them that have deleted it
    again in a deletion that did not come to its end: LXD still takes their part for made. LXD knows
    a pool by its `number`: a later one of that name is another pool.
    """

    name: str
    driver: str
    status: str
    config: Config = field(default_factory=dict[str, str])
    members: Mapping[str, Config] = field(default_factory=dict[str, Config])
    made: frozenset[str] = frozenset()
    gone: frozenset[str] = frozenset()
    description: str = ""
    number: int = 0

    @property
    def half_made(self) -> bool:
        """Whether it is not made on all members."""
        return self.status != "Created"


@dataclass(frozen=True)
class Network:
    """A network that LXD manages, like a pool. The members in `broken` could not start it.

    In the model the names of two projects' networks differ.
    """

    name: str
    type: str
    status: str
    config: Config = field(default_factory=dict[str, str])
    members: Mapping[str, Config] = field(default_factory=dict[str, Config])
    made: frozenset[str] = frozenset()
    broken: frozenset[str] = frozenset()
    number: int = 0
    description: str = ""
    project: str = DEFAULT

    @property
    def half_made(self) -> bool:
        """Whether it is not made on all members."""
        return self.status != "Created"


@dataclass(frozen=True)
class Project:
    """A project and its keys."""

    name: str
    description: str
    config: Config


@dataclass(frozen=True)
class Profile:
    """A profile of a project."""

    project: str
    name: str
    description: str = ""
    config: Config = field(default_factory=dict[str, str])
    devices: Devices = field(default_factory=dict[str, Config])

    @property
    def key(self) -> tuple[str, str]:
        """A key that no two profiles share."""
        return self.project, self.name


Thing = Instance | Volume | Bucket | Image
"""An object on a member's disk, by its name there."""
