# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The steps for forming the cluster: identity, bootstrap, join tokens, joins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from steps.plan import Step


@dataclass(frozen=True)
class MakeKey(Step):
    """This unit has a key to seal join tokens to."""

    def __str__(self) -> str:
        return "make this unit's key"


@dataclass(frozen=True)
class AdoptIdentity(Step):
    """An older charm's cluster has an identity, and its notes are in their current place."""

    identity: str

    def __str__(self) -> str:
        return "give the cluster its identity"


@dataclass(frozen=True)
class NoteIdentity(Step):
    """This machine's disk names the cluster of its LXD."""

    identity: str

    def __str__(self) -> str:
        return "note the cluster's identity on this machine"


@dataclass(frozen=True)
class EnableCluster(Step):
    """This server is the first member of a new cluster."""

    name: str

    def __str__(self) -> str:
        return f"bootstrap the cluster with the member {self.name}"


@dataclass(frozen=True)
class Join(Step):
    """This server is a member of the cluster of the sealed token."""

    name: str
    address: str
    sealed: str = field(repr=False)
    cluster: str
    """The required identity of the cluster."""
    trusted: frozenset[str]
    """Fingerprints of the certificate that its members publish."""
    pools: Mapping[str, Mapping[str, str]]
    """By pool: this member's own keys."""
    networks: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])
    """By network: the same."""
    next_attempt: int = 0
    """The unit's attempt if this one fails."""
    issuer: str = ""
    """The unit that made the token."""

    def __str__(self) -> str:
        return f"join the cluster as {self.name}"


@dataclass(frozen=True)
class ResetLxd(Step):
    """LXD on this machine is as freshly installed. Only for a server that never became a member."""

    why: str
    next_attempt: int = 0
    """The unit's attempt after this."""

    def __str__(self) -> str:
        return f"reset LXD: {self.why}"


@dataclass(frozen=True)
class SetJoinLock(Step):
    """Entry `number` of a log in LXD's database is this one, or another member wrote it first."""

    log: str
    number: int
    entry: str
    unit: str

    def __str__(self) -> str:
        return f"give the join lock to {self.unit}" if self.unit else "release the join lock"


@dataclass(frozen=True)
class MakeToken(Step):
    """A join token for one unit exists and is sealed to its key."""

    unit: str
    name: str
    key: str = field(repr=False)
    attempt: int
    adopted: bool
    soon: frozenset[str] = frozenset()
    """Wanted pools and networks: a joining unit gives its part to half made ones, too."""
    address: str = ""
    """The address that the member will have."""

    def __str__(self) -> str:
        return f"make a join token for {self.unit}"


@dataclass(frozen=True)
class CancelToken(Step):
    """No join token for this member name exists any more."""

    name: str
    digest: str

    def __str__(self) -> str:
        return f"cancel the join token of {self.name}"


@dataclass(frozen=True)
class ForgetForming(Step):
    """The notes of a bootstrap or join in progress, and of failed joins, are gone."""

    def __str__(self) -> str:
        return "note that forming is over"


@dataclass(frozen=True)
class AwaitJoin(Step):
    """The unit that used a join token is a member, or has had the time to become one."""

    name: str

    def __str__(self) -> str:
        return f"wait until {self.name}, which has a token, has joined"
