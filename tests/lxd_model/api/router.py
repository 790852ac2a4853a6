# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Finds the handler of a request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from tests.lxd_model import times
from tests.lxd_model.api import (
    cluster,
    images,
    instances,
    members,
    networks,
    operations,
    pools,
    profiles,
    projects,
    server,
    volumes,
)
from tests.lxd_model.api.call import Handler

if TYPE_CHECKING:
    from tests.lxd_model.generations import Generation

READY = "/internal/ready"
NOT_FOUND = "a path that is not there"

TABLE: dict[str, dict[str, Handler]] = {
    "/": {"GET": server.root},
    READY: {},
    "/1.0": {"GET": server.get, "PATCH": server.patch, "PUT": server.put},
    **cluster.ROUTES,
    **members.ROUTES,
    **operations.ROUTES,
    **pools.ROUTES,
    **volumes.ROUTES,
    **networks.ROUTES,
    **instances.ROUTES,
    **projects.ROUTES,
    **profiles.ROUTES,
    **images.ROUTES,
}
"""By path: the handlers of its methods. Words in capitals match any name."""

_MEMORY = frozenset({"/", "/1.0", "/1.0/operations/ID/wait"})
"""These are answered without the database."""


@dataclass(frozen=True)
class Route:
    """The target of a path. `names` are its variable parts, unquoted."""

    pattern: str
    names: tuple[str, ...] = ()
    handlers: Mapping[str, Handler] = field(default_factory=dict[str, Handler])
    from_memory: bool = False
    """Whether it is answered without the database."""
    while_waiting: bool = False
    """Whether 5.0 answers it while it waits for members of another version."""
    of_leader: bool = False
    """Whether LXD looks for the database's leader first."""

    def without_database(self, generation: Generation, *, headless: bool) -> tuple[float, int, str]:
        """LXD's answer when its database has no quorum: seconds until then, and HTTP's status.

        `headless` if all members are there and none of them leads.
        """
        late = "RAFT cluster is unavailable" if headless else "context deadline exceeded"
        if self.of_leader:
            what = "the address of the cluster leader"
            if generation.newest:
                late = f"Failed getting {what}: {late}"
            elif generation.modern:
                late = f"Failed to get {what}: {late}"
            return times.HEADLESS if headless else times.NO_LEADER, 500, late
        if generation.newest:
            return 20.0, 500, "Failed beginning transaction: context deadline exceeded"
        none = "failed to create dqlite connection: no available dqlite leader server found"
        return 11.5, 503, f"Failed to begin transaction: {none}"


def _tree() -> dict[str, Any]:
    """The table by the parts of its paths. Under the key / is the whole pattern."""
    root: dict[str, Any] = {}
    for pattern in TABLE:
        node = root
        for part in pattern.strip("/").split("/"):
            node = node.setdefault("*" if part.isupper() else part, {})
        node["/"] = pattern
    return root


_TREE = _tree()


@lru_cache(maxsize=8192)
def find(path: str) -> Route:
    """The route of a path with quoted parts."""
    node: dict[str, Any] = _TREE
    names: list[str] = []
    for part in path.strip("/").split("/"):
        if part in node:
            node = node[part]
        elif part and "*" in node:
            names.append(unquote(part))
            node = node["*"]
        else:
            return Route(NOT_FOUND)
    pattern: str = node.get("/", "")
    if not pattern:
        return Route(NOT_FOUND)
    return Route(
        pattern,
        tuple(names),
        TABLE[pattern],
        from_memory=pattern in _MEMORY,
        while_waiting=pattern == "/",
        of_leader=pattern.startswith("/1.0/cluster/members"),
    )
