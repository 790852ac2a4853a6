# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The true state, whatever servers and units believe: for the simulation's invariants."""

from __future__ import annotations

from dataclasses import dataclass

from tests.lxd_model.things import Instance, Volume


@dataclass(frozen=True)
class MemberTruth:
    """A member in its cluster's database.

    `status` is LXD's: ONLINE, OFFLINE, EVACUATED, BLOCKED; or PENDING for a join that is in
    progress or hangs. `role` is `database`, `database-standby` or empty.
    """

    name: str
    server: str
    status: str
    role: str


@dataclass(frozen=True)
class ClusterTruth:
    """One cluster's database. After a split by a recovery, two have one identity.

    `believers` are the servers whose LXD believes that it is a member, `answering` those that reach
    a majority. `tokens` are the secrets of the valid join tokens, by name.
    """

    identity: str
    fingerprint: str
    """The fingerprint of its current certificate."""
    members: tuple[MemberTruth, ...]
    leader: str
    believers: frozenset[str]
    answering: frozenset[str]
    joining: tuple[str, ...]
    instances: tuple[Instance, ...]
    volumes: tuple[Volume, ...]
    tokens: dict[str, str]

    @property
    def voters(self) -> frozenset[str]:
        """The names of the members that vote."""
        return frozenset(m.name for m in self.members if m.role == "database")

    def member(self, name: str) -> MemberTruth | None:
        """The member called `name`, if there is one."""
        return next((m for m in self.members if m.name == name), None)
