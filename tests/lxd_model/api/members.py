# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The cluster's members."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tests.lxd_model import evacuation, heartbeats, joining, membership, peers
from tests.lxd_model.api.call import EMPTY, Answer, Call, Handler, began, request
from tests.lxd_model.api.etag import check, etag
from tests.lxd_model.api.operations import token_json
from tests.lxd_model.records import Records, Role, Row
from tests.lxd_model.refusal import Refusal, bad
from values.lxd_versions import ordered

if TYPE_CHECKING:
    from tests.lxd_model.server import Server

PATH = "/1.0/cluster/members"
_AUTOMATIC = frozenset({"database", "database-leader", "database-standby", "database-voter"})
_WORDS = {
    "ONLINE": "Fully operational",
    "EVACUATED": "Unavailable due to maintenance",
}


def member_json(server: Server, row: Row, leader: str) -> dict[str, Any]:
    """A member in LXD's format."""
    records, now = server.records, server.cloud.now + server.ahead
    status = heartbeats.status(records, row, now)
    return {
        "server_name": row.name,
        "url": f"https://{row.address}",
        "database": row.role is not Role.SPARE or row.name == leader,
        "status": status.capitalize(),
        "message": _message(server, row, status),
        "architecture": "x86_64",
        "roles": _roles(server, row, leader),
        "failure_domain": row.domain,
        "description": row.description,
        "config": dict(row.config),
        "groups": list(row.groups),
    }


def _roles(server: Server, row: Row, leader: str) -> list[str]:
    """6.9 shows only one role of the leader: it does not say that the leader votes."""
    roles = sorted(row.given)
    if row.name == leader:
        roles.append("database-leader")
    if row.role is Role.VOTER and not (server.generation.newest and row.name == leader):
        roles.append(server.generation.voter_role)
    if row.role is Role.STANDBY:
        roles.append("database-standby")
    return roles


def _message(server: Server, row: Row, status: str) -> str:
    if status == "OFFLINE":
        since = server.cloud.now + server.ahead - row.heartbeat
        heard = datetime.fromtimestamp(row.heartbeat, timezone.utc)
        return f"No heartbeat for {since:.9f}s ({heard:%Y-%m-%d %H:%M:%S.%f000 +0000 UTC})"
    if status == "BLOCKED":
        if not server.generation.modern:
            return "Needs updating to newer version"
        members = server.records.members
        other = next(r for r in members if r.version != row.version)
        older = ordered(row.version) < ordered(other.version)
        return f"LXD version is {'older' if older else 'newer'} than other members"
    return _WORDS[status]


def _leader(server: Server) -> str:
    """Raises Refusal on a server that is not in a cluster."""
    if not server.records.clustered:
        raise Refusal("Server is not clustered")
    return heartbeats.leader(server.cloud, server.records, server.cloud.now)


def get_all(call: Call) -> Answer:
    """GET /1.0/cluster/members."""
    leader = _leader(call.server)
    rows = call.records.members
    if not call.recursive:
        return Answer([f"{PATH}/{quote(row.name, safe='')}" for row in rows])
    return Answer([member_json(call.server, row, leader) for row in rows])


def post_token(call: Call) -> Answer:
    """POST /1.0/cluster/members: a join token, which is an operation."""
    if not call.body.get("server_name"):
        raise bad("No name provided")
    token = joining.make_token(call.server, call.body["server_name"])
    return Answer(begun=token_json(call.server, token))


def get(call: Call) -> Answer:
    """GET /1.0/cluster/members/NAME."""
    leader = _leader(call.server)
    row = membership.listed(call.records, call.names[0])
    found = member_json(call.server, row, leader)
    return Answer(found, _etag(found))


def _etag(found: dict[str, Any]) -> str:
    keys = ("roles", "failure_domain", "description", "config", "groups")
    return etag(*(found[key] for key in keys))


def _change(call: Call, values: dict[str, Any]) -> Answer:
    """Keys that are not named become empty. From 5.21 on the member itself does it."""
    server = call.server
    leader = _leader(server)
    row = membership.listed(call.records, call.names[0])
    if server.generation.modern and row.name != server.name and not server.hears(row):
        raise peers.missing(server)
    now = member_json(server, row, leader)
    check(call, _etag(now))
    roles: list[str] = list(values.get("roles") or ())
    _check_roles(server, now["roles"], roles)
    if not values.get("groups"):
        raise bad("Cluster members need to belong to at least one group")
    row.given = frozenset(roles) - _AUTOMATIC
    row.domain = values.get("failure_domain") or "default"
    row.description = values.get("description") or ""
    row.config = dict(values.get("config") or {})
    row.groups = tuple(values["groups"])
    return Answer(EMPTY)


def _check_roles(server: Server, before: list[str], wanted: list[str]) -> None:
    """A role that LXD gives by itself cannot be added or removed."""
    if server.generation.newest:
        for role in wanted:
            if role in _AUTOMATIC and role not in before:
                raise bad(f'The automatically assigned "{role}" role cannot be added manually')
        return
    votes = "database" in before
    if votes != ("database" in wanted):
        verb = "dropped" if votes else "added"
        raise bad(f'The "database" role cannot be {verb} at this time')


def put(call: Call) -> Answer:
    """PUT /1.0/cluster/members/NAME."""
    return _change(call, call.body)


def patch(call: Call) -> Answer:
    """PATCH /1.0/cluster/members/NAME: merges only the member's keys."""
    row = membership.listed(call.records, call.names[0])
    return _change(call, {**call.body, "config": {**row.config, **(call.body.get("config") or {})}})


def rename(call: Call) -> Answer:
    """POST /1.0/cluster/members/NAME."""
    membership.rename(call.server, call.names[0], call.body["server_name"])
    return Answer(EMPTY)


def delete(call: Call) -> Answer:
    """DELETE /1.0/cluster/members/NAME: it leaves, or by force LXD only forgets it."""
    _leader(call.server)
    name = call.names[0]
    if call.query.get("force") in ("1", "true"):
        return request(call, "remove_member", name, membership.remove(call.server, name))
    return request(call, "leave", name, membership.leave(call.server, name))


def post_state(call: Call) -> Answer:
    """POST /1.0/cluster/members/NAME/state: evacuates a member, or ends that."""
    _leader(call.server)
    name, body = call.names[0], call.body
    mode, force = body.get("mode", ""), bool(body.get("force"))
    action = body.get("action")
    if action == "evacuate":
        return began(evacuation.evacuation(call.server, name, mode, force))
    if action == "restore":
        return began(evacuation.restoring(call.server, name, mode))
    raise bad(f'Unknown action "{action}"')


def get_state(call: Call) -> Answer:
    """GET /1.0/cluster/members/NAME/state."""
    server = call.server
    if "cluster_member_state" not in server.generation.has:
        raise Refusal("not implemented", 501)
    row = membership.listed(call.records, call.names[0])
    if row.name != server.name and not server.hears(row):
        raise peers.missing(server)
    return Answer({"sysinfo": _SYSINFO, "storage_pools": _spaces(call.records)})


_SYSINFO = {
    "uptime": 8085,
    "load_averages": [0.1, 0.1, 0.1],
    "total_ram": 25276514304,
    "free_ram": 12771823616,
    "shared_ram": 0,
    "buffered_ram": 0,
    "total_swap": 0,
    "free_swap": 0,
    "processes": 100,
    "logical_cpus": 2,
}


def _spaces(records: Records) -> dict[str, Any]:
    space = {"used": 1 << 30, "total": 20 << 30}
    return {
        name: {"space": space, "inodes": {"used": 1, "total": 1 << 20}} for name in records.pools
    }


ROUTES: dict[str, dict[str, Handler]] = {
    PATH: {"GET": get_all, "POST": post_token},
    f"{PATH}/NAME": {"GET": get, "PUT": put, "PATCH": patch, "POST": rename, "DELETE": delete},
    f"{PATH}/NAME/state": {"GET": get_state, "POST": post_state},
}
