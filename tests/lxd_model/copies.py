# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Each machine's own copy of the database, and its age.

Members share one value as long as they hear of each other. A member that is cut off keeps its old
value: nothing else is left if it alone is recovered later.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.lxd_model.records import Records, Role, Row

if TYPE_CHECKING:
    from tests.lxd_model.server import Server

_BEGIN = 100
_PER_SECOND = 10
"""Entries that a leader adds to a database's log per second: heartbeats are written, too."""


@dataclass(frozen=True)
class Behind:
    """What a copy had when its machine lost touch with the leader."""

    records: Records
    index: int


@dataclass(frozen=True)
class Recovery:
    """A machine has made its copy the database: how new that was, and what it had not."""

    machine: str
    index: int
    others: dict[str, int]
    """By machine: how new the other copies were then."""
    missed: frozenset[str]
    """What the members' database had, and this copy has not."""


def index(server: Server) -> int:
    """How new the copy of a server is: greater than that of any copy with less in it."""
    if server.behind is not None:
        return server.behind.index
    records = server.records
    return _BEGIN + int((records.led - records.made) * _PER_SECOND)


def has_copy(row: Row | None) -> bool:
    """Whether a member has the database on its disk."""
    return row is not None and (row.role is not Role.SPARE or row.has_copy)


def kept(server: Server) -> Behind | None:
    """What a server keeps if it loses touch with the others now. None if it has no copy that is
    as new as theirs."""
    if server.behind is None and has_copy(server.row()) and server.has_database():
        return Behind(server.records.copy(), index(server))
    return None


def part(server: Server) -> None:
    """A server is about to lose touch with the others, if it still has it."""
    server.behind = server.behind or kept(server)


def catch_up(server: Server) -> None:
    """A server that has the leader again is told all that it missed."""
    if server.behind is not None and server.has_database():
        server.behind = None


def recovered(server: Server) -> Recovery:
    """The effect of recovering this server's copy, called just before it happens."""
    others = {
        other.machine: index(other)
        for other in server.cloud.holding(server.records)
        if other is not server and not other.destroyed and has_copy(other.row())
    }
    own = server.behind.records if server.behind is not None else server.records
    missed = _contents(server.records) - _contents(own)
    return Recovery(server.machine, index(server), others, missed)


def _contents(records: Records) -> frozenset[str]:
    tables = (records.instances, records.volumes, records.buckets, records.images)
    return frozenset(str(thing) for table in tables for thing in table.values())
