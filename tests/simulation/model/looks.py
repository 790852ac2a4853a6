"""What a model server answers when it is looked at."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import view
from lxd_reading import LxdError
from tests.simulation.model import heartbeats
from tests.simulation.model.records import Records
from view import Instance, Member, Network, Pool, Volume

if TYPE_CHECKING:
    from tests.simulation.model.server import Server

PROFILE = "/1.0/profiles/default"
_DRIVERS = frozenset({"btrfs", "dir"})


def server(server: Server) -> view.Server:
    """GET /1.0. Without its database a daemon knows only the keys that are its own."""
    clustered = server.records.clustered
    known = server.records.config if server.silence() is None else {}
    return view.Server(
        version=server.version,
        clustered=clustered,
        name=server.name if clustered else server.hostname,
        fingerprint=server.records.fingerprint,
        drivers=_DRIVERS,
        config={**known, **server.config},
    )


def members(server: Server) -> tuple[Member, ...]:
    """GET /1.0/cluster/members."""
    records, cloud = server.records, server.cloud
    if not records.clustered:
        raise LxdError("Server is not clustered")
    leader = heartbeats.leader(cloud, records, cloud.now)
    rows = sorted(records.members, key=lambda r: r.name)
    listed: list[Member] = []
    for row in rows:
        roles = {row.role.value, *row.given} - {""}
        if row.name == leader:
            roles.add("database-leader")
        status = heartbeats.status(records, row, cloud.now)
        host = row.address.rpartition(":")[0].strip("[]")
        message = _message(status)
        listed.append(Member(row.name, host, status, frozenset(roles), row.domain, message))
    return tuple(listed)


def pools(server: Server) -> tuple[Pool, ...]:
    """GET /1.0/storage-pools."""
    records = server.records
    used = (_used(server, p, "pool") for p in records.pools.values())
    return tuple(replace(p, used_by=p.used_by | _on_pool(records, p.name)) for p in used)


def _on_pool(records: Records, pool: str) -> set[str]:
    on = {i.name for key, i in records.instances.items() if records.roots.get(key) == pool}
    custom = {v.name for v in records.volumes.values() if v.pool == pool}
    path = f"/1.0/storage-pools/{pool}/volumes/custom"
    return {f"/1.0/instances/{name}" for name in on} | {f"{path}/{name}" for name in custom}


def networks(server: Server) -> tuple[Network, ...]:
    """GET /1.0/networks, the managed ones."""
    records = server.records
    used = (_used(server, n, "network") for n in records.networks.values())
    return tuple(replace(n, used_by=n.used_by | _on_network(records, n.name)) for n in used)


def _on_network(records: Records, network: str) -> set[str]:
    on = {i.name for key, i in records.instances.items() if records.nics.get(key) == network}
    return {f"/1.0/instances/{name}" for name in on}


def instances(server: Server) -> tuple[Instance, ...]:
    """GET /1.0/instances. Of a member that does not answer none is said to run."""
    records = server.records
    silent = {row.name for row in records.members if not server.hears(row)}
    return tuple(
        replace(i, running=False) if i.location in silent else i for i in records.instances.values()
    )


def volumes(server: Server) -> tuple[Volume, ...]:
    """Custom volumes that are on one member alone. A server in no cluster has no such place."""
    found = server.records.volumes.values()
    return tuple(v for v in found if v.location not in ("", "none"))


def profile(server: Server) -> dict[str, Any]:
    """The default profile."""
    found = server.records.profile
    return {**found, "devices": dict(found["devices"])}


def _used(server: Server, thing: Any, key: str) -> Any:
    devices = server.records.profile["devices"].values()
    used = any(device.get(key) == thing.name for device in devices)
    return replace(thing, used_by=frozenset({PROFILE} if used else ()))


def _message(status: str) -> str:
    return {
        "ONLINE": "Fully operational",
        "EVACUATED": "Unavailable due to maintenance",
    }.get(status, "No heartbeat")
