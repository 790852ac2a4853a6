"""Bootstrap, join tokens and joins, as a daemon carries them out."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lxd_reading import LxdError
from tests.simulation.model import heartbeats, networks, pools, times
from tests.simulation.model.operations import NEVER, Work
from tests.simulation.model.records import JoinToken, Records, Role, Row, State

if TYPE_CHECKING:
    from tests.simulation.model.server import Server

SMALL = 6
"""In a cluster with fewer members than this two joins at once collide over the first roles."""
HANGS = 10.0
"""A join that has not ended in so many seconds hangs for good, and is in nobody's way."""
_EXPIRY = 3 * 3600.0


def bootstrap(server: Server, name: str) -> Work:
    """A cluster of one is made of this server, with all that it has."""
    if server.records.clustered:
        raise LxdError("This server is already clustered")
    address = server.config.get("cluster.https_address") or server.config.get("core.https_address")
    if not address:
        raise LxdError("Cannot use wildcard core.https_address")
    yield times.BOOTSTRAP / 2
    cloud, records = server.cloud, server.records
    # By another request, in the meantime.
    if records.clustered:
        raise LxdError("This server is already clustered")
    records.fingerprint = f"cluster-{server.machine}-{cloud.count()}"
    records.made = cloud.now
    row = _row(server, records, name, address)
    row.state, row.role = State.CREATED, Role.VOTER
    records.instances = {k: replace(i, location=name) for k, i in records.instances.items()}
    records.volumes = {k: replace(v, location=name) for k, v in records.volumes.items()}
    server.config["cluster.https_address"] = address
    cloud.databases.append(records)
    yield times.BOOTSTRAP / 2


def make_token(server: Server, name: str) -> str:
    """A join token as `lxd.LxdApi` packs it. It voids an older one for the same name.

    LXD 5.0.2 does not mind that a member has that name already: the join will be refused.
    """
    records, cloud = server.records, server.cloud
    if not records.clustered:
        raise LxdError("This server is not clustered")
    secret = f"secret-{cloud.count()}"
    records.tokens[name] = JoinToken(secret, cloud.now + _EXPIRY, server.machine, server.run)
    token = {
        "server_name": name,
        "fingerprint": records.fingerprint,
        "addresses": [r.address for r in records.members],
        "secret": secret,
        "expires_at": f"{cloud.now + _EXPIRY:.0f}",
    }
    return base64.b64encode(json.dumps(token).encode()).decode()


def join(
    server: Server, name: str, address: str, token: str, answers: list[dict[str, str]]
) -> Work:
    """The server becomes a member; what its database held is lost.

    It is let in first, then it enters the database's Raft group. While the cluster is small, a join
    that is let in before another has ended hangs for good: its row stays pending, and its daemon
    answers nothing until LXD's folder is emptied. Ended half way by its daemon's end, the same.
    """
    told = json.loads(base64.b64decode(token))
    if server.records.clustered:
        raise LxdError("This server is already clustered")
    records = _cluster_of(server, told)
    yield times.JOIN / 6
    _accept(server, records, name, address, told)
    sources = {a["name"]: a["value"] for a in answers if a["key"] == "source"}
    for pool in records.pools.values():
        if not pool.half_made:
            pools.give(server, pool.name, sources.get(pool.name, ""))
    parents = {a["name"]: a["value"] for a in answers if a["key"] == "parent"}
    for network in records.networks.values():
        if not network.half_made:
            networks.give(server, network, name, parents, records)
    server.config["cluster.https_address"] = address
    server.lose_records()
    server.hung = True
    server.records = records
    now = server.cloud.now
    others = [n for n, begun in records.joining.items() if n != name and now - begun < HANGS]
    records.joining[name] = now
    try:
        yield times.JOIN / 3
        while (others and len(records.rows) <= SMALL) or not _majority(server, records):
            yield NEVER
        row = records.rows[name]
        row.state, row.heartbeat = State.CREATED, server.cloud.now
        # As a stand-by it has the database, without a say in it.
        row.role = Role.STANDBY if len(records.members) == 2 else row.role
        server.hung = False
        heartbeats.rebalance(server.cloud, records, server.cloud.now)
    finally:
        records.joining.pop(name, None)
    yield times.JOIN / 2


def _cluster_of(server: Server, told: dict[str, Any]) -> Records:
    """The database of the cluster that a token is from, through a member that it names."""
    for other in server.cloud.servers.values():
        row = other.row()
        known = row is not None and row.address in told["addresses"]
        same = other.records.fingerprint == told["fingerprint"]
        near = server.cloud.reachable(server.machine, other.machine)
        if known and same and near and other.silence() is None:
            return other.records
    raise LxdError("no member can be reached")


def _accept(
    server: Server, records: Records, name: str, address: str, told: dict[str, Any]
) -> None:
    """A member lets the server in, or says why not. The token is used up in any case.

    Only its secret counts. The name in it is for `lxd init`, which will join as no other.
    """
    token = records.tokens.get(told["server_name"])
    if token is None or token.secret != told["secret"] or not _has_maker(server, records, token):
        raise LxdError("No matching cluster join operation found")
    del records.tokens[told["server_name"]]
    if token.expires < server.cloud.now:
        raise LxdError("Provided cluster join token has expired")
    if any(row.name == name for row in records.members):
        raise LxdError(f"The cluster already has a member with name: {name}")
    if any(row.address == address for row in records.members):
        raise LxdError(f"The cluster already has a member with address: {address}")
    if any(row.version != server.version for row in records.members):
        raise LxdError("The joining server version doesn't match")
    _row(server, records, name, address)


def _has_maker(server: Server, records: Records, token: JoinToken) -> bool:
    """Whether the daemon that made a token still runs and is a member that answers."""
    maker = server.cloud.servers[token.maker]
    row = maker.row() if maker.records is records else None
    if row is None or maker.run != token.run or not maker.listening() or maker.frozen:
        return False
    # The member that is asked asks the others.
    asked = (s for s in server.cloud.servers.values() if s.records is records and s is not server)
    return any(s is maker or server.cloud.reachable(s.machine, maker.machine) for s in asked)


def _row(server: Server, records: Records, name: str, address: str) -> Row:
    number = server.cloud.count()
    row = Row(
        number=number,
        name=name,
        server=server.machine,
        address=address,
        version=server.version,
        state=State.PENDING,
        role=Role.SPARE,
        heartbeat=server.cloud.now,
    )
    records.rows[name] = row
    server.name, server.number = name, number
    return row


def _majority(server: Server, records: Records) -> bool:
    leader = heartbeats.leader(server.cloud, records, server.cloud.now)
    return bool(leader) and server.cloud.reachable(server.machine, records.rows[leader].server)
