"""What an LXD's database holds: a cluster's members share one, a server alone has its own."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from view import Instance, Network, Pool, Volume


class Role(Enum):
    """What a member is to the database. Only a voter counts for the majority."""

    VOTER = "database"
    STANDBY = "database-standby"
    SPARE = ""


class State(Enum):
    """What LXD notes of a member. A pending one is in nobody's list."""

    CREATED = 0
    PENDING = 1
    EVACUATED = 2


@dataclass
class Row:
    """One member as the database has it. `server` is the id of the machine that it is on."""

    number: int
    name: str
    server: str
    address: str
    version: str
    state: State
    role: Role
    heartbeat: float
    domain: str = "default"
    given: frozenset[str] = frozenset()
    """Roles that an operator gave it."""
    has_copy: bool = False
    """Whether it had the database at some time: it may go on from that if the others are lost."""


@dataclass(frozen=True)
class JoinToken:
    """Good for one join of one name, until it expires.

    It is an operation of the daemon that made it, and gone with that.
    """

    secret: str
    expires: float
    maker: str
    """The machine that it was made on."""
    run: int
    """Which of the lives of its daemon."""


Key = tuple[str, ...]


@dataclass
class Records:
    """The database of one cluster, or of one server that is in none (no rows).

    `joining` holds the members whose joins are under way, first come first, and since when.
    """

    fingerprint: str
    made: float
    rows: dict[str, Row] = field(default_factory=dict[str, Row])
    tokens: dict[str, JoinToken] = field(default_factory=dict[str, JoinToken])
    config: dict[str, str] = field(default_factory=dict[str, str])
    notes: dict[str, str] = field(default_factory=dict[str, str])
    """Keys of the default project."""
    pools: dict[str, Pool] = field(default_factory=dict[str, Pool])
    pool_parts: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    """By pool and member: the source that it was defined with."""
    roots: dict[Key, str] = field(default_factory=dict[Key, str])
    """The pool of an instance's root disk."""
    relying: set[Key] = field(default_factory=set[Key])
    """Instances that have their root disk from the default profile."""
    networks: dict[str, Network] = field(default_factory=dict[str, Network])
    defined: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    """By network that was defined and not yet created, and member: its interface."""
    parents: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    """By network and member: the interface that it is on."""
    nics: dict[Key, str] = field(default_factory=dict[Key, str])
    """The network that an instance is on."""
    launched: dict[Key, float] = field(default_factory=dict[Key, float])
    following: set[Key] = field(default_factory=set[Key])
    """Instances that are on whatever network the default profile says."""
    profile: dict[str, Any] = field(
        default_factory=lambda: {"config": {}, "description": "", "devices": {}}
    )
    instances: dict[Key, Instance] = field(default_factory=dict[Key, Instance])
    origins: dict[Key, str] = field(default_factory=dict[Key, str])
    """The member that an instance was evacuated from: ending that brings it back."""
    volumes: dict[Key, Volume] = field(default_factory=dict[Key, Volume])
    joining: dict[str, float] = field(default_factory=dict[str, float])
    leader: str = ""
    headless: bool = False
    """Its last voter took itself out: nobody leads it until it is recovered."""
    led_on: bool = False
    """A leader of it has left at some time."""
    handed_over: bool = False
    """Of the last two both vote until its members change again."""
    round: int = 0
    """The last round of heartbeats that has been counted."""

    @property
    def clustered(self) -> bool:
        """Whether a cluster has it."""
        return bool(self.rows)

    @property
    def members(self) -> list[Row]:
        """The members that are in the list: those that came all the way in."""
        return [row for row in self.rows.values() if row.state is not State.PENDING]

    @property
    def voters(self) -> list[Row]:
        """The members that vote."""
        return [row for row in self.rows.values() if row.role is Role.VOTER]

    @property
    def threshold(self) -> float:
        """Seconds without a heartbeat after which a member is offline."""
        return float(self.config.get("cluster.offline_threshold", "20"))

    def on(self, member: str) -> list[Instance]:
        """The instances on a member."""
        return [i for i in self.instances.values() if i.location == member]

    def volumes_on(self, member: str) -> list[Volume]:
        """The custom volumes on a member."""
        return [v for v in self.volumes.values() if v.location == member]

    def forget(self, member: str) -> None:
        """The member is gone, with all that was recorded to be on it."""
        self.rows.pop(member, None)
        self.instances = {k: i for k, i in self.instances.items() if i.location != member}
        self.volumes = {k: v for k, v in self.volumes.items() if v.location != member}

    def copy(self) -> Records:
        """The same contents, which from now on go their own way."""
        return replace(
            self,
            rows={name: replace(row) for name, row in self.rows.items()},
            tokens=dict(self.tokens),
            config=dict(self.config),
            notes=dict(self.notes),
            pools=dict(self.pools),
            pool_parts={name: dict(parts) for name, parts in self.pool_parts.items()},
            roots=dict(self.roots),
            relying=set(self.relying),
            networks=dict(self.networks),
            defined={name: dict(members) for name, members in self.defined.items()},
            parents={name: dict(members) for name, members in self.parents.items()},
            nics=dict(self.nics),
            launched=dict(self.launched),
            following=set(self.following),
            profile={**self.profile, "devices": dict(self.profile["devices"])},
            instances=dict(self.instances),
            origins=dict(self.origins),
            volumes=dict(self.volumes),
            joining={},
        )
