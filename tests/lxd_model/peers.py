# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""How a member tells the others of a change, and LXD's errors if one does not answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.lxd_model import heartbeats
from tests.lxd_model.refusal import Refusal

if TYPE_CHECKING:
    from tests.lxd_model.operations import Work
    from tests.lxd_model.records import Row
    from tests.lxd_model.server import Server


def require_all(server: Server) -> None:
    """Every other member must be up. Raises Refusal.

    LXD knows that some are down; it notices the others when it tells them.
    """
    records, now = server.records, server.cloud.now
    silent = [r for r in records.members if r.name != server.name and not server.hears(r)]
    if not silent:
        return
    known = [row for row in silent if heartbeats.offline(records, row, now)]
    modern = server.generation.modern
    row = (known or silent)[0]
    if known:
        why = (
            f"Peer cluster member {row.name} at {row.address} is down"
            if modern
            else f"peer node {row.address} is down"
        )
        raise Refusal(why)
    raise not_notified(server, row, f"{refused(server, row)}")


def make_on_all(
    server: Server,
    seconds: float,
    made: Callable[[], frozenset[str]],
    make: Callable[[Server, str], None],
    note: Callable[[Server, str], None],
) -> Work:
    """Each member that is not in `made` makes its part, the server itself first, then notes it.

    In between a part is there that no database knows. Raises Refusal at the first member that
    cannot make its part, or ends meanwhile.
    """
    rows = sorted(server.records.members, key=lambda row: row.name != server.name)
    for row in rows:
        if row.name in made():
            continue
        if not server.hears(row):
            raise not_notified(server, row, refused(server, row))
        there = server.cloud.servers[row.server]
        try:
            make(there, row.name)
        except Refusal as refusal:
            raise refusal if there is server else not_notified(server, row, str(refusal)) from None
        run = there.run
        yield seconds / len(rows)
        if there.run != run:
            raise not_notified(server, row, "EOF")
        note(there, row.name)


def not_notified(server: Server, row: Row, why: str) -> Refusal:
    """LXD's error about a peer that did not do its part."""
    if server.generation.modern:
        return Refusal(f'Failed notifying cluster member "{row.name}" at "{row.address}": {why}')
    return Refusal(f"failed to notify peer {row.address}: {why}")


def refused(server: Server, row: Row) -> str:
    """The error of a failed connection."""
    return refused_at(server, row.address)


def refused_at(server: Server, address: str) -> str:
    """The same, by an address where no program listens."""
    dial = f"dial tcp {address}: connect: connection refused"
    if server.generation.newest:
        return f"Cannot connect to: {address} ({dial})"
    return f"Unable to connect to: {address} ([{dial}])"


def missing(server: Server) -> Refusal:
    """The error of a request for a member whose daemon would have to answer, but is down.

    LXD waits 10 s for it before it answers.
    """
    status = 503 if server.generation.modern else 500
    return Refusal("Missing event connection with target cluster member", status)
