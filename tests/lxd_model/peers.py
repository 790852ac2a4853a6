"""How a member tells the others of a change, and what LXD says when one cannot be told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.lxd_model import heartbeats
from tests.lxd_model.refusal import Refusal

if TYPE_CHECKING:
    from tests.lxd_model.records import Row
    from tests.lxd_model.server import Server


def require_all(server: Server) -> None:
    """Every other member has to be there. Raises Refusal.

    LXD knows some to be down; the others it finds out when it tells them.
    """
    records, now = server.records, server.cloud.now
    silent = [r for r in records.members if r.name != server.name and not server.hears(r)]
    if not silent:
        return
    known = [row for row in silent if heartbeats.offline(records, row, now)]
    modern = server.generation.modern
    row = (known or silent)[0]
    if known:
        told = (
            f"Peer cluster member {row.name} at {row.address} is down"
            if modern
            else f"peer node {row.address} is down"
        )
        raise Refusal(told)
    raise untold(server, row, f"{refused(server, row)}")


def untold(server: Server, row: Row, why: str) -> Refusal:
    """What LXD says of a peer that did not do its part."""
    if server.generation.modern:
        return Refusal(f'Failed notifying cluster member "{row.name}" at "{row.address}": {why}')
    return Refusal(f"failed to notify peer {row.address}: {why}")


def refused(server: Server, row: Row) -> str:
    """The words of a connection that failed."""
    return refused_at(server, row.address)


def refused_at(server: Server, address: str) -> str:
    """The same, by the address where nobody listens."""
    dial = f"dial tcp {address}: connect: connection refused"
    if server.generation.newest:
        return f"Cannot connect to: {address} ({dial})"
    return f"Unable to connect to: {address} ([{dial}])"


def missing(server: Server) -> Refusal:
    """A request for one member that its daemon would have to answer, and that is not there.

    LXD waits 10 s for it before it says so.
    """
    status = 503 if server.generation.modern else 500
    return Refusal("Missing event connection with target cluster member", status)
