# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The cluster as a whole: bootstrap, join, its certificate, its groups."""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any

from tests.lxd_model import joining, peers
from tests.lxd_model.api.call import EMPTY, Answer, Call, Handler, began
from tests.lxd_model.api.etag import etag
from tests.lxd_model.pools import OWN_KEYS
from tests.lxd_model.refusal import Refusal, bad

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.lxd_model.server import Server

_ASKED = ("source", "size", "zfs.pool_name", "lvm.thinpool_name", "lvm.vg_name")


def get(call: Call) -> Answer:
    """GET /1.0/cluster: also the keys that a joining server must set for itself."""
    server, records = call.server, call.records
    name = server.name if records.clustered else ""
    asked = [
        _question("storage-pool", pool.name, key, pool.members.get(name, {}).get(key, ""))
        for pool in records.pools.values()
        for key in _ASKED
        if key in OWN_KEYS and (key == "source" or key in pool.members.get(name, {}))
    ]
    asked += [
        _question(
            "network", network.name, "bridge.external_interfaces", own["bridge.external_interfaces"]
        )
        for network in records.networks.values()
        if "bridge.external_interfaces" in (own := network.members.get(name, {}))
    ]
    found = {
        "server_name": name,
        "enabled": records.clustered,
        "member_config": asked if records.clustered else [],
    }
    return Answer(found, etag(name, str(asked)))


def _question(entity: str, name: str, key: str, value: str) -> dict[str, str]:
    what = {"storage-pool": "storage pool", "network": "network"}[entity]
    description = f'"{key}" property for {what} "{name}"'
    return {"entity": entity, "name": name, "key": key, "value": value, "description": description}


def put(call: Call) -> Answer:
    """PUT /1.0/cluster: a bootstrap, or a join."""
    body, server = call.body, call.server
    if not body.get("enabled"):
        raise bad("This server is not clustered" if not call.records.clustered else "In a cluster")
    name = body.get("server_name")
    if not name:
        raise bad("ServerName is required when enabling clustering")
    if body.get("cluster_address"):
        return _join(server, name, body)
    if not server.records.clustered:
        joining.cluster_address(server)
    work = joining.bootstrap(server, name)
    description = "Creating bootstrap node"
    return began(server.cloud.start(server, "enable_cluster", name, work, description))


def _join(server: Server, name: str, body: Mapping[str, Any]) -> Answer:
    if not body.get("cluster_certificate"):
        raise bad("No target cluster member certificate provided")
    if server.records.clustered:
        raise bad("This server is already clustered")
    if not body.get("server_address"):
        raise bad("No server address provided for this member")
    token = body.get("cluster_password", "")
    if "explicit_trust_token" in server.generation.has:
        token = body.get("cluster_token", "") or token
        if server.generation.newest:
            token = body.get("cluster_token", "")
    request = joining.JoinRequest(
        name=name,
        address=body["server_address"],
        way=body["cluster_address"],
        token=_unpacked(token),
        answers=tuple(body.get("member_config") or ()),
        certificate=body["cluster_certificate"],
    )
    joining.listen(server, request)
    work = joining.join(server, request)
    return began(server.cloud.start(server, "join_cluster", name, work, "Joining cluster"))


def _unpacked(token: str) -> Mapping[str, object]:
    """The content of a token; for a text that is not a token, an empty one."""
    try:
        found: dict[str, object] = json.loads(base64.b64decode(token))
    except (binascii.Error, ValueError):
        return {"server_name": "", "secret": ""}
    return found


def put_certificate(call: Call) -> Answer:
    """PUT /1.0/cluster/certificate: each member must accept it."""
    records = call.records
    if not records.clustered:
        raise bad("This server is not clustered")
    body = call.body
    if "BEGIN" not in body.get("cluster_certificate", ""):
        raise bad("Certificate must be base64 encoded PEM certificate: %!w(<nil>)")
    for row in records.members:
        if row.name != call.server.name and not call.server.hears(row):
            url = f"https://{row.address}/1.0/cluster/certificate"
            raise Refusal(f'Put "{url}": {peers.refused(call.server, row)}')
    records.certificate = f"{records.identity} renewed {call.server.cloud.count()}"
    return Answer(EMPTY)


def groups(call: Call) -> Answer:
    """GET /1.0/cluster/groups."""
    names = [row.name for row in call.records.members]
    found = {"name": "default", "description": "Default cluster group", "members": names}
    if call.server.generation.modern:
        found["used_by"] = []
    return Answer([found])


ROUTES: dict[str, dict[str, Handler]] = {
    "/1.0/cluster": {"GET": get, "PUT": put},
    "/1.0/cluster/certificate": {"PUT": put_certificate},
    "/1.0/cluster/groups": {"GET": groups},
}
