# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The content of an LXD's database: the members of a cluster share one, other servers have their
own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from tests.lxd_model import certificates
from tests.lxd_model.things import (
    DEFAULT,
    Bucket,
    Config,
    Image,
    Instance,
    Network,
    Pool,
    Profile,
    Project,
    Volume,
)


class Role(Enum):
    """A member's role in the database. Only a voter counts for the majority."""

    VOTER = "database"
    STANDBY = "database-standby"
    SPARE = ""


class State(Enum):
    """LXD's note about a member. A pending member is in no list."""

    CREATED = 0
    PENDING = 1
    EVACUATED = 2


@dataclass
class Row:
    """One member in the database. `server` is the id of its machine."""

    number: int
    name: str
    server: str
    address: str
    version: str
    state: State
    role: Role
    heartbeat: float
    domain: str = DEFAULT
    description: str = ""
    config: Config = field(default_factory=dict[str, str])
    groups: tuple[str, ...] = (DEFAULT,)
    given: frozenset[str] = frozenset()
    """Roles from an operator."""
    out: bool = False
    """Whether the database's Raft group does not have it, after a failed removal."""
    has_copy: bool = False
    """Whether it had the database at some time: it may use that copy if the others are lost."""


@dataclass(frozen=True)
class JoinToken:
    """Valid for one join of one name, until it expires.

    It is an operation of the daemon that made it, and is gone with that daemon.
    """

    operation: str
    name: str
    secret: str
    addresses: tuple[str, ...]
    fingerprint: str
    made: float
    expires: float
    issuer: str
    """The machine that made it."""
    run: int
    """The number of its daemon's start."""
    location: str
    """The member that made it."""
    cancelled: float = 0.0


Key = tuple[str, ...]


@dataclass
class Records:
    """The database of one cluster, or of one server outside a cluster (no rows).

    `identity` distinguishes clusters, whatever certificate they have. `joining` has the members
    whose joins are in progress, in order, with the time of their start.
    """

    identity: str
    certificate: str
    """The seed of its certificate."""
    made: float
    uuid: str = ""
    """LXD's own `volatile.uuid`, from 6.6 on."""
    schema: tuple[int, int] = (0, 0)
    """The schema of the newest LXD that has used it."""
    rows: dict[str, Row] = field(default_factory=dict[str, Row])
    trusted: dict[str, str] = field(default_factory=dict[str, str])
    """By server certificate: the member's name under which it is trusted."""
    tokens: dict[str, JoinToken] = field(default_factory=dict[str, JoinToken])
    cancelled: list[JoinToken] = field(default_factory=list[JoinToken])
    config: dict[str, str] = field(default_factory=dict[str, str])
    projects: dict[str, Project] = field(default_factory=dict[str, Project])
    profiles: dict[tuple[str, str], Profile] = field(default_factory=dict[tuple[str, str], Profile])
    pools: dict[str, Pool] = field(default_factory=dict[str, Pool])
    networks: dict[str, Network] = field(default_factory=dict[str, Network])
    instances: dict[Key, Instance] = field(default_factory=dict[Key, Instance])
    volumes: dict[Key, Volume] = field(default_factory=dict[Key, Volume])
    buckets: dict[Key, Bucket] = field(default_factory=dict[Key, Bucket])
    images: dict[str, Image] = field(default_factory=dict[str, Image])
    joining: dict[str, float] = field(default_factory=dict[str, float])
    leader: str = ""
    led: float = 0.0
    """When it last had a leader: without a leader nothing is committed."""
    headless: bool = False
    """Its last voter removed itself: it has no leader until it is recovered."""
    leaderless: float = 0.0
    """It has no leader until this time, because the leader has left."""
    led_on: bool = False
    """Whether one of its leaders has ever left."""
    handed_over: bool = False
    """The last two members both vote until the members change again."""
    quiet: str = ""
    """The member that leads but sends no heartbeats, until its daemon ends."""
    round: int = 0
    """The last counted round of heartbeats."""

    @property
    def fingerprint(self) -> str:
        """The fingerprint of its current certificate."""
        return certificates.fingerprint(self.certificate)

    @property
    def clustered(self) -> bool:
        """Whether it is a cluster's database."""
        return bool(self.rows)

    @property
    def members(self) -> list[Row]:
        """The listed members: those whose join has ended."""
        return [row for row in self.rows.values() if row.state is not State.PENDING]

    @property
    def raft(self) -> list[Row]:
        """The members in the database's Raft group."""
        return [row for row in self.members if not row.out]

    @property
    def voters(self) -> list[Row]:
        """The members that vote."""
        return [row for row in self.rows.values() if row.role is Role.VOTER]

    @property
    def threshold(self) -> float:
        """Seconds without a heartbeat after which a member is offline."""
        return float(self.config.get("cluster.offline_threshold", "20"))

    @property
    def profile(self) -> Profile:
        """The default profile of the default project."""
        return self.profiles[DEFAULT, DEFAULT]

    def on(self, member: str) -> list[Instance]:
        """The instances on a member."""
        return [i for i in self.instances.values() if i.location == member]

    def volumes_on(self, member: str) -> list[Volume]:
        """The custom volumes on a member."""
        return [v for v in self.volumes.values() if v.location == member]

    def buckets_on(self, member: str) -> list[Bucket]:
        """The storage buckets on a member."""
        return [b for b in self.buckets.values() if b.location == member]

    def images_only_on(self, member: str) -> list[Image]:
        """The images with a copy on this member only."""
        return [i for i in self.images.values() if i.copies == frozenset({member})]

    def forget(self, member: str) -> None:
        """Removes the member, with all records of what was on it."""
        self.rows.pop(member, None)
        self.trusted = {c: name for c, name in self.trusted.items() if name != member}
        self.instances = {k: i for k, i in self.instances.items() if i.location != member}
        self.volumes = {k: v for k, v in self.volumes.items() if v.location != member}
        self.buckets = {k: b for k, b in self.buckets.items() if b.location != member}
        for image in list(self.images.values()):
            self.images.pop(image.fingerprint)
            if copies := image.copies - {member}:
                self.images[image.fingerprint] = replace(image, copies=copies)
        self.pools = {n: replace(p, members=_but(p.members, member)) for n, p in self.pools.items()}
        self.networks = {
            n: replace(w, members=_but(w.members, member)) for n, w in self.networks.items()
        }

    def copy(self) -> Records:
        """A copy of the contents that changes separately from now on."""
        return replace(
            self,
            rows={name: replace(row) for name, row in self.rows.items()},
            trusted=dict(self.trusted),
            tokens=dict(self.tokens),
            cancelled=list(self.cancelled),
            config=dict(self.config),
            projects=dict(self.projects),
            profiles=dict(self.profiles),
            pools=dict(self.pools),
            networks=dict(self.networks),
            instances=dict(self.instances),
            volumes=dict(self.volumes),
            buckets=dict(self.buckets),
            images=dict(self.images),
            joining={},
        )


def _but(members: Mapping[str, Any], member: str) -> Mapping[str, Any]:
    return {name: keys for name, keys in members.items() if name != member}
