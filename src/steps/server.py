# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The steps for the server: its configuration, the notes, its daemon."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from state.facts import Proxies
from steps.plan import Step


@dataclass(frozen=True)
class SetServerConfig(Step):
    """These keys of LXD's server configuration have these values."""

    values: Mapping[str, str]

    def __str__(self) -> str:
        return "set " + ", ".join(f"{k}={v}" for k, v in sorted(self.values.items()))


@dataclass(frozen=True)
class SetProxies(Step):
    """These keys of LXD's server configuration have these values, if they are the charm's."""

    values: Mapping[str, str] = field(repr=False)
    model: Proxies = field(default_factory=Proxies)
    """The values that Juju may have written."""

    def __str__(self) -> str:
        # A proxy's URL may contain a password.
        verbs = {True: "set", False: "unset"}
        return ", ".join(f"{verbs[bool(v)]} {k}" for k, v in sorted(self.values.items()))


@dataclass(frozen=True)
class WriteNotes(Step):
    """These notes of the charm in LXD's database have these values. Empty removes a note."""

    values: Mapping[str, str]

    def __str__(self) -> str:
        return "note " + ", ".join(f"{k}={v}" for k, v in sorted(self.values.items()))


@dataclass(frozen=True)
class FollowRenames(Step):
    """The cluster trusts members under the names that operators gave them, and has their notes so.

    `own` is this member, `renamed` the members' new names by their old ones.
    """

    own: str
    renamed: Mapping[str, str]
    units: Mapping[str, str]
    """By member: its unit, by the peers."""

    @property
    def pairs(self) -> frozenset[str]:
        """Each rename as one text."""
        return frozenset(f"{old} {new}" for old, new in self.renamed.items())

    def __str__(self) -> str:
        changes = [f"{n}, which was {o}" for o, n in sorted(self.renamed.items()) if n != o]
        return f"trust the member {' and '.join(changes) or self.own}"


@dataclass(frozen=True)
class NoteUnits(Step):
    """This machine's disk says which units have the database, by their addresses."""

    units: Mapping[str, str]

    def __str__(self) -> str:
        return "note which units have the database"


@dataclass(frozen=True)
class NoteUnresponsive(Step):
    """This machine's disk says since when LXD does not answer, or nothing if it answers."""

    since: float | None

    def __str__(self) -> str:
        return "note that LXD answers" if self.since is None else "note that LXD does not answer"


@dataclass(frozen=True)
class SetFailureDomain(Step):
    """LXD knows this member's failure domain."""

    name: str
    domain: str

    def __str__(self) -> str:
        return f"set the failure domain of {self.name} to {self.domain}"


@dataclass(frozen=True)
class RestartLxd(Step):
    """LXD's daemon here has read the cluster's configuration. Instances keep running."""

    def __str__(self) -> str:
        return "restart LXD, so that it reads the cluster's configuration"


@dataclass(frozen=True)
class SetRole(Step):
    """These members have the role, or no longer have it."""

    role: str
    members: Mapping[str, bool]

    def __str__(self) -> str:
        gaining = [name for name, has in sorted(self.members.items()) if has]
        losing = [name for name, has in sorted(self.members.items()) if not has]
        changes = [f"give the role {self.role} to {', '.join(gaining)}"] if gaining else []
        changes += [f"take it from {', '.join(losing)}"] if losing else []
        return "; ".join(changes)
