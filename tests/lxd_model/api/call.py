# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A request as a handler gets it, and its answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.lxd_model import peers, times
from tests.lxd_model.operations import Operation, Work
from tests.lxd_model.refusal import not_found
from tests.lxd_model.things import Config

if TYPE_CHECKING:
    from tests.lxd_model.records import Records
    from tests.lxd_model.server import Server


@dataclass
class Call:
    """A request to a server. `names` are the variable parts of its path, `match` is If-Match."""

    server: Server
    names: tuple[str, ...] = ()
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    body: Any = None
    match: str = ""

    @property
    def records(self) -> Records:
        """The database of the server."""
        return self.server.records

    @property
    def recursive(self) -> bool:
        """Whether a list must contain whole objects."""
        return self.query.get("recursion", "0") not in ("", "0")

    @property
    def project(self) -> str:
        """The project of the request."""
        return self.query.get("project") or "default"

    @property
    def config(self) -> dict[str, str]:
        """The keys in its body."""
        found: dict[str, str] = self.body.get("config") or {}
        return dict(found)

    @property
    def devices(self) -> dict[str, Config]:
        """The devices in its body."""
        found: dict[str, Config] = self.body.get("devices") or {}
        return dict(found)

    @property
    def target(self) -> str:
        """The member of the request, empty for all. Raises Refusal if there is no such member."""
        name = self.query.get("target", "")
        if name and self.records.clustered and name not in self.records.rows:
            raise not_found("Cluster member")
        return name if self.records.clustered else ""

    def forwarded(self) -> str:
        """The same if that member's daemon must answer. Raises Refusal if it does not."""
        name = self.target
        if name and name != self.server.name and not self.server.hears(self.records.rows[name]):
            raise peers.missing(self.server)
        return name


@dataclass
class Answer:
    """A server's answer. `took` is the time for it in seconds."""

    metadata: Any = None
    etag: str = ""
    status: int = 200
    took: float = times.REQUEST
    work: Operation | None = None
    """The work that the server waits for before it answers."""
    begun: dict[str, Any] | None = None
    """The operation that it has started, in LXD's format."""
    error: str = ""
    """For answers of the kind "error" with HTTP's status 200."""


Handler = Callable[[Call], Answer]

EMPTY: dict[str, Any] = {}


def request(call: Call, kind: str, name: str, work: Work) -> Answer:
    """Work that takes time. The request is answered at its end."""
    operation = call.server.cloud.start(call.server, kind, name, work)
    return Answer(EMPTY, work=operation)


def began(operation: Operation) -> Answer:
    """The answer to a request that has started an operation."""
    return Answer(begun=operation.begun_as())


@dataclass(frozen=True)
class Change:
    """A change that is an operation in some generations: its description and its object."""

    description: str
    url: str
    made: bool = False
    """Whether it creates something: then LXD answers 201 if it is not an operation."""
    took: float = times.REQUEST


def make(call: Call, what: Change, work: Work, is_operation: bool) -> Answer:
    """Make an object, as an operation or before the answer. LXD continues it without the client."""
    description = what.description if is_operation else ""
    operation = call.server.cloud.start(call.server, "change", "", work, description)
    if not is_operation:
        return Answer(None, status=201, work=operation)
    operation.url = what.url
    return began(operation)


def change(call: Call, what: Change, effect: Callable[[], None], is_operation: bool) -> Answer:
    """Make a change, at once or as an operation."""
    if not is_operation:
        effect()
        status, metadata = (201, None) if what.made else (200, EMPTY)
        return Answer(metadata, status=status, took=what.took)

    def work() -> Work:
        yield times.OPERATION
        effect()
        yield what.took

    server = call.server
    operation = server.cloud.start(server, "change", "", work(), what.description)
    operation.url = what.url
    return began(operation)
