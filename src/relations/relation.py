# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The type of a relation with another application."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar, cast

from options.options import Options
from state.cluster import ClusterView
from state.hook_input import HookInput
from state.peers import Storage
from state.view import View

Answer = TypeVar("Answer")


class Databags(Protocol):
    """The data of this unit's relations in this hook, by endpoint."""

    def units(self, endpoint: str) -> Sequence[Mapping[str, str]]:
        """The data that the units on the other side publish."""
        ...

    def application(self, endpoint: str) -> Mapping[str, str]:
        """The data that the application on the other side publishes, empty without one."""
        ...

    def own(self, endpoint: str) -> Mapping[str, str] | None:
        """The data that this unit has published, None without a relation that stays."""
        ...


@dataclass(frozen=True)
class Requester:
    """This unit, as far as a request depends on it."""

    unit: str
    options: Options
    hostname: str
    address: str
    storage: Storage | None
    """The default pool as it was made, None while there is none."""
    pools: tuple[Storage, ...] = ()
    """The other pools of the cluster."""


@dataclass(frozen=True)
class ServerKeys(Generic[Answer]):
    """Keys of LXD's server configuration that follow from an answer; all members share them.

    `values` has them by key, and omits a key for which the answer has no value yet. After the
    relation is gone the charm removes its own values, unless `needed` says that LXD needs them.
    """

    keys: tuple[str, ...]
    values: Callable[[Answer], Mapping[str, str]]
    needed: Callable[[ClusterView], bool]


@dataclass(frozen=True)
class Relation(Generic[Answer]):
    """One row of the table.

    `endpoints` are those of metadata.yaml. `read` makes the answer for this unit from the databags
    and the options, None if there is none. `requests` make what this unit publishes, by endpoint.
    `server_keys` go into LXD's configuration.
    """

    name: str
    endpoints: tuple[str, ...]
    read: Callable[[str, Options, Databags], Answer | None]
    requests: Mapping[str, Callable[[Requester], dict[str, str]]] = field(
        default_factory=dict[str, Callable[[Requester], dict[str, str]]]
    )
    server_keys: ServerKeys[Answer] | None = None

    def of(self, facts: View | HookInput) -> Answer | None:
        """The answer that a unit sees, None without one."""
        return cast("Answer | None", facts.related.get(self.name))
