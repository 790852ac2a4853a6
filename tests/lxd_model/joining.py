# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Bootstrap, join tokens and joins, as a daemon executes them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tests.lxd_model import certificates, heartbeats, networks, peers, pools, projects, times
from tests.lxd_model.listeners import CLUSTER, CORE, covers, is_wildcard
from tests.lxd_model.operations import NEVER, Work
from tests.lxd_model.records import JoinToken, Records, Role, Row, State
from tests.lxd_model.refusal import Refusal, bad
from tests.lxd_model.silence import Silence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.lxd_model.server import Server

SMALL = 6
"""In a cluster with fewer members than this, two joins at once collide over the first roles."""
HANGS = 10.0
"""After so many seconds a join that has not ended hangs for good, and blocks no other join."""
_EXPIRY = 3 * 3600.0


@dataclass(frozen=True)
class JoinRequest:
    """The input of a joining server. `token` is unpacked, `way` is the member to ask."""

    name: str
    address: str
    way: str
    token: Mapping[str, object]
    answers: tuple[Mapping[str, str], ...]
    certificate: str = ""
    """The certificate (PEM) that the member must show; empty accepts any."""

    def own(self, entity: str, name: str) -> dict[str, str]:
        """The server's own keys of a pool or network."""
        return {
            a["key"]: a["value"]
            for a in self.answers
            if a.get("entity", entity) == entity and a["name"] == name
        }


def bootstrap(server: Server, name: str) -> Work:
    """Makes a cluster of one from this server, with all that it has."""
    address = cluster_address(server)
    yield times.BOOTSTRAP / 2
    cloud, records = server.cloud, server.records
    # Another request has done it in the meantime.
    if records.clustered:
        raise Refusal("Inconsistent state: found leftover cluster certificate")
    records.identity = f"cluster-{server.machine}-{cloud.count()}"
    records.certificate = records.identity
    records.made = cloud.now
    row = _row(server, records, name, address)
    row.state, row.role = State.CREATED, Role.VOTER
    records.trusted[server.certificate] = name
    records.instances = {k: replace(i, location=name) for k, i in records.instances.items()}
    volumes = [replace(v, location=name) for v in records.volumes.values()]
    records.volumes = {v.key: v for v in volumes}
    buckets = [replace(b, location=name) for b in records.buckets.values()]
    records.buckets = {b.key: b for b in buckets}
    images = records.images.values()
    records.images = {i.fingerprint: replace(i, copies=frozenset({name})) for i in images}
    pools.take_along(records, name)
    networks.take_along(records, name)
    server.config[CLUSTER] = address
    server.opened = True
    cloud.databases.append(records)
    yield times.BOOTSTRAP / 2


def cluster_address(server: Server) -> str:
    """The address where a future cluster server will listen for others. Raises Refusal."""
    address = server.config.get(CLUSTER) or server.config.get(CORE, "")
    if not address or (server.config.get(CLUSTER, "") == "" and is_wildcard(address)):
        problem = 'Cannot use wildcard core.https_address "" for cluster.https_address'
        why = "Please specify a new cluster.https_address or core.https_address"
        raise Refusal(f"{problem}. {why}")
    return address


def make_token(server: Server, name: str) -> JoinToken:
    """A join token. It invalidates an older one for the same name.

    LXD does not check that a member has that name already: the join will be refused.
    """
    records, cloud = server.records, server.cloud
    if not records.clustered:
        raise bad("This server is not clustered")
    void(records, name, cloud.now)
    token = JoinToken(
        operation=f"{cloud.count():08x}-0000-4000-8000-000000000001",
        name=name,
        secret=f"secret-{cloud.count()}",
        addresses=tuple(r.address for r in records.members),
        fingerprint=records.fingerprint,
        made=cloud.now,
        expires=cloud.now + _EXPIRY,
        issuer=server.machine,
        run=server.run,
        location=server.name,
    )
    records.tokens[name] = token
    cloud.tokens.append(token)
    return token


def void(records: Records, name: str, now: float) -> JoinToken | None:
    """Cancels the token of a name, if there is one."""
    token = records.tokens.pop(name, None)
    if token is not None:
        records.cancelled = [t for t in records.cancelled if now - t.cancelled <= times.LISTED]
        records.cancelled.append(replace(token, cancelled=now))
    return token


def listen(server: Server, request: JoinRequest) -> None:
    """A joining server first listens where the cluster will find it."""
    core = server.config.get(CORE, "")
    if not core:
        server.listeners.set_core(request.address)
        server.config[CORE] = request.address
    elif not covers(core, request.address):
        server.listeners.set_cluster(request.address)
    server.config[CLUSTER] = request.address


def join(server: Server, request: JoinRequest) -> Work:
    """The server becomes a member; the content of its database is lost.

    First the cluster trusts and accepts it, then it enters the database's Raft group. While the
    cluster is small, a join that is accepted before another has ended hangs for good: its row stays
    pending, and its daemon answers nothing until LXD's folder is emptied. A join that ends half way
    with its daemon has the same result.
    """
    name = request.name
    records = _cluster_of(server, request)
    yield times.JOIN / 12
    _trust(server, records, request)
    yield times.JOIN / 12
    _take_parts(server, records, request)
    _accept(server, records, request)
    server.lose_records()
    server.hung = True
    server.records, server.behind = records, None
    now = server.cloud.now
    others = [n for n, begun in records.joining.items() if n != name and now - begun < HANGS]
    records.joining[name] = now
    try:
        yield times.JOIN / 3
        while server.cloud.now < records.leaderless:
            yield 1.0
        while (others and len(records.rows) <= SMALL) or not _majority(server, records):
            yield NEVER
        for what, table in (("pool", records.pools), ("network", records.networks)):
            for thing in table.values():
                if thing.status != "Pending" and name not in thing.members and thing.members:
                    raise Refusal(f"Joining member has no config for {what} {thing.name}")
        row = records.rows[name]
        row.state, row.heartbeat = State.CREATED, server.cloud.now
        # As a stand-by it has the database, without a vote.
        row.role = Role.STANDBY if len(records.members) == 2 else row.role
        server.hung = False
        server.opened = True
        # 5.0 learns the cluster's keys when somebody changes one, or when its daemon starts again.
        server.remembers = dict(records.config) if server.generation.modern else {}
        heartbeats.rebalance(server.cloud, records, server.cloud.now)
    finally:
        records.joining.pop(name, None)
    yield times.JOIN / 2


def _cluster_of(server: Server, request: JoinRequest) -> Records:
    """The database of the cluster to join, through the named member."""
    for other in server.cloud.servers.values():
        row = other.row()
        known = row is not None and other.listeners.listens(request.way)
        near = server.cloud.reachable(server.machine, other.machine)
        if known and near and other.silence() is None:
            _recognises(server, request, other)
            return other.records
        if known and near and other.silence() is Silence.NO_DATABASE:
            raise Refusal(f"{_setup(server)}: Failed to begin transaction")
    raise _not_connected(server, request, peers.refused_at(server, request.way))


def _recognises(server: Server, request: JoinRequest, other: Server) -> None:
    """A server joins only the cluster with the expected certificate."""
    if request.certificate and request.certificate != certificates.pem(other.shows):
        host = request.way.rpartition(":")[0].strip("[]")
        why = f"certificate is valid for 127.0.0.1, ::1, not {host}"
        raise _not_connected(server, request, f"tls: failed to verify certificate: x509: {why}")


def _not_connected(server: Server, request: JoinRequest, why: str) -> Refusal:
    verb = "Failed connecting" if server.generation.newest else "Failed to connect"
    connect = f'{verb} to target cluster node "{request.way}"'
    return Refusal(f'{_setup(server)}: {connect}: Get "https://{request.way}/1.0": {why}')


def _setup(server: Server) -> str:
    if server.generation.modern:
        return "Failed setting up cluster trust"
    return "Failed to setup cluster trust"


def _trust(server: Server, records: Records, request: JoinRequest) -> None:
    """The cluster trusts the server under its name. The token is used up in any case.

    Only the token's secret counts. The name in it is for `lxd init`, which always joins under that
    name. From 5.21 on two certificates cannot have one name: LXD silently ignores the second.
    """
    verb = "Failed adding" if server.generation.newest else "Failed to add"
    add = f"{verb} server cert to cluster"
    token = records.tokens.get(str(request.token["server_name"]))
    if token is None or token.secret != request.token["secret"] or not _has_issuer(server, token):
        why = "No matching cluster join operation found"
        raise Refusal(f"{_setup(server)}: {add}: {why}")
    void(records, token.name, server.cloud.now)
    if token.expires < server.cloud.now:
        why = "Failed during search for join token operation: Token has expired"
        raise Refusal(f"{_setup(server)}: {add}: {why}")
    modern = server.generation.modern
    trusted, own = records.trusted, server.certificate
    if own not in trusted and not (modern and request.name in trusted.values()):
        trusted[own] = request.name
    update = "Failed updating cluster trust" if modern else "Failed to update cluster trust"
    if own not in trusted:
        raise Refusal(f"{update}: Failed getting existing certificate: Forbidden")
    if trusted[own] != request.name:
        other = f'Existing server certificate with different name "{trusted[own]}"'
        raise Refusal(f"{update}: {other} already in trust store")


def _take_parts(server: Server, records: Records, request: JoinRequest) -> None:
    """The server makes its part of each pool and network, before it is accepted."""
    for pool in list(records.pools.values()):
        if pool.status != "Pending":
            pools.join(server, records, pool.name, request)
    projects.require_groups(server, records)
    for network in list(records.networks.values()):
        if not network.half_made:
            networks.join(server, records, network.name, request)


def _accept(server: Server, records: Records, request: JoinRequest) -> None:
    """A member accepts the server, or says why not."""
    if problem := projects.hidden(records):
        raise Refusal(f"Failed request to add member: {problem}")
    if any(row.name == request.name for row in records.members):
        problem = f"The cluster already has a member with name: {request.name}"
    elif any(row.address == request.address for row in records.members):
        problem = f"The cluster already has a member with address: {request.address}"
    elif any(row.version != server.version for row in records.members):
        problem = f"The joining server version doesn't match (expected {records.members[0].version}"
        problem += ")"
    if problem:
        raise Refusal(f"Failed request to add member: {problem}")
    _row(server, records, request.name, request.address)


def _has_issuer(server: Server, token: JoinToken) -> bool:
    """Whether the daemon that made a token still runs and is a member that answers."""
    cloud = server.cloud
    issuer = cloud.servers[token.issuer]
    if issuer.row() is None or issuer.run != token.run or not issuer.listening() or issuer.frozen:
        return False
    # The member that gets the request asks the others.
    asked = (s for s in cloud.servers.values() if s.records is issuer.records and s is not server)
    return any(s is issuer or cloud.reachable(s.machine, issuer.machine) for s in asked)


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
