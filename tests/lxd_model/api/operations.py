# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Operations: the current work of daemons, and join tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.lxd_model import joining, peers, times
from tests.lxd_model.api.call import EMPTY, Answer, Call, Handler
from tests.lxd_model.operations import REQUESTOR, Operation, stamp
from tests.lxd_model.refusal import bad, not_found

if TYPE_CHECKING:
    from tests.lxd_model.records import JoinToken
    from tests.lxd_model.server import Server

PATH = "/1.0/operations"


def token_json(server: Server, token: JoinToken) -> dict[str, Any]:
    """A join token as an operation."""
    over = bool(token.cancelled)
    generation = server.generation
    found: dict[str, Any] = {
        "id": token.operation,
        "class": "token",
        "description": "Cluster join token" if generation.newest else "Executing operation",
        "created_at": stamp(token.made),
        "updated_at": stamp(token.cancelled or token.made),
        "status": "Cancelled" if over else "Running",
        "status_code": 401 if over else 103,
        "resources": {} if generation.newest else {"cluster": None},
        "metadata": details(token),
        "may_cancel": True,
        "err": "",
        "location": token.location,
    }
    if generation.modern:
        found["requestor"] = REQUESTOR
    if generation.newest:
        found |= {"err_code": 0, "child_count": 0}
        if over:
            found |= {"err": "context canceled", "err_code": 500}
    return found


def details(token: JoinToken) -> dict[str, Any]:
    """What a joining server needs to know."""
    return {
        "addresses": list(token.addresses),
        "expiresAt": stamp(token.expires),
        "fingerprint": token.fingerprint,
        "secret": token.secret,
        "serverName": token.name,
    }


def _known(server: Server) -> list[Operation]:
    """The operations that a server knows."""
    cloud = server.cloud
    return [
        o
        for o in (*cloud.operations, *cloud.finished)
        if o.description and _tells_of(server, o.server) and (not o.cut or server.generation.newest)
    ]


def _tells_of(server: Server, other: Server) -> bool:
    """Whether a server knows the work of another one: 6.9 reads it from the database."""
    if other is server:
        return True
    if not server.records.clustered or other.records is not server.records:
        return False
    row = other.row()
    return row is not None and (server.generation.newest or server.hears(row))


def _tokens(server: Server) -> list[JoinToken]:
    """The join tokens of the members that answer."""
    records, now = server.records, server.cloud.now
    servers = server.cloud.servers
    recent = [t for t in records.cancelled if now - t.cancelled <= times.LISTED]
    return [
        t
        for t in (*records.tokens.values(), *recent)
        if servers[t.issuer].run == t.run and _tells_of(server, servers[t.issuer])
    ]


def get_all(call: Call) -> Answer:
    """GET /1.0/operations, by status."""
    server = call.server
    rows = [o.as_json() for o in _known(server)]
    rows += [token_json(server, t) for t in _tokens(server)]
    found: dict[str, list[Any]] = {}
    for row in rows:
        entry = row if call.recursive else f"{PATH}/{row['id']}"
        found.setdefault(row["status"].lower(), []).append(entry)
    return Answer(found)


def _find(call: Call) -> Operation | JoinToken:
    """An operation or token by its id. Raises Refusal if it is unknown or its daemon does not
    answer.
    """
    server, wanted = call.server, call.names[0]
    cloud = server.cloud
    for operation in (*cloud.operations, *cloud.finished):
        if operation.id != wanted or not operation.description:
            continue
        if _tells_of(server, operation.server):
            return operation
        if operation.server.records is server.records:
            raise peers.missing(server)
    for token in (*call.records.tokens.values(), *call.records.cancelled):
        if token.operation != wanted or cloud.servers[token.issuer].run != token.run:
            continue
        if token.cancelled and cloud.now - token.cancelled > times.LISTED:
            continue
        if _tells_of(server, cloud.servers[token.issuer]):
            return token
        raise peers.missing(server)
    raise not_found("Operation")


def get(call: Call) -> Answer:
    """GET /1.0/operations/ID."""
    found = _find(call)
    if isinstance(found, Operation):
        return Answer(found.as_json())
    return Answer(token_json(call.server, found))


def delete(call: Call) -> Answer:
    """DELETE /1.0/operations/ID: only tokens can be cancelled in the model."""
    found = _find(call)
    if isinstance(found, Operation):
        raise bad(
            "Only running operations can be cancelled"
            if found.done
            else "This operation can't be cancelled"
        )
    if found.cancelled:
        raise bad("Only running operations can be cancelled")
    issuer = call.server.cloud.servers[found.issuer].row()
    if issuer is not None and issuer.name != call.server.name and not call.server.hears(issuer):
        raise peers.missing(call.server)
    joining.void(call.records, found.name, call.server.cloud.now)
    return Answer(EMPTY)


def wait(call: Call) -> Answer:
    """GET /1.0/operations/ID/wait. From 5.21 on a timeout is also an error in a 200."""
    server, cloud = call.server, call.server.cloud
    found = _find(call)
    seconds = float(call.query.get("timeout", "-1"))
    end = cloud.now + (seconds if seconds >= 0 else 1e9)
    while _runs(found) and cloud.now < end:
        due = found.due if isinstance(found, Operation) else end
        cloud.pause(max(0.01, min(due, end) - cloud.now), "GET /1.0/operations/ID/wait")
        cloud.tick()
        found = _find(call) if not isinstance(found, Operation) else found
    if not isinstance(found, Operation):
        if server.generation.modern and _runs(found):
            return Answer(error="context deadline exceeded", took=0.0)
        return Answer(token_json(server, found), took=0.0)
    if found.cut:
        raise not_found("Operation")
    if server.generation.modern and (error := found.error or _late(found)):
        return Answer(error=error, took=0.0)
    return Answer(found.as_json(), took=0.0)


def _late(operation: Operation) -> str:
    return "" if operation.done else "context deadline exceeded"


def _runs(found: Operation | JoinToken) -> bool:
    return not found.done if isinstance(found, Operation) else not found.cancelled


ROUTES: dict[str, dict[str, Handler]] = {
    PATH: {"GET": get_all},
    f"{PATH}/ID": {"GET": get, "DELETE": delete},
    f"{PATH}/ID/wait": {"GET": wait},
}
