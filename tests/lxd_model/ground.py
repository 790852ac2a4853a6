# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Servers for tests of the model: alone, or one cluster."""

from __future__ import annotations

from typing import Any

from lxd.api import LxdApi
from lxd.client import Client
from lxd.http import Request, Response
from tests.lxd_model import by_hand
from tests.lxd_model.cloud import Cloud
from tests.lxd_model.server import Server

PATIENCE = 60.0


def machines(count: int, generation: str = "5.21") -> tuple[Cloud, list[Server]]:
    """Machines with LXD, not in a cluster."""
    cloud = Cloud(generation=generation)
    servers = [cloud.add(str(n), f"m{n}", f"10.0.0.{n + 1}") for n in range(count)]
    for server in servers:
        server.snap.install("5.21/stable", "")
    cloud.now = max(server.ready for server in servers)
    return cloud, servers


def cluster(count: int, generation: str = "5.21") -> tuple[Cloud, list[Server]]:
    """Machines that form one cluster with settled roles."""
    cloud, servers = machines(count, generation)
    by_hand.bootstrap(servers[0])
    for server in servers[1:]:
        by_hand.join(server, servers[0])
    cloud.now += 30
    cloud.tick()
    return cloud, servers


def lxd(server: Server) -> LxdApi:
    """The charm's own client of a server."""
    return LxdApi(server.lxd)


def client(server: Server) -> Client:
    """The same for single requests. It waits for their operations."""
    return Client(server.lxd)


def ask(server: Server, method: str, path: str, body: Any = None, **query: str) -> Response:
    """One request and LXD's answer."""
    return server.lxd.send(Request(method, path, query, body), PATIENCE)


def endpoint(server: Server) -> str:
    """The endpoint of a server."""
    return f"{server.address}:8443"


def statuses(server: Server) -> list[str]:
    """The members' statuses, by name."""
    return [m.status for m in lxd(server).members.list()]


def roles(server: Server) -> dict[str, list[str]]:
    """The members' roles."""
    return {m.name: sorted(m.roles) for m in lxd(server).members.list()}


def evacuate(server: Server, name: str) -> None:
    """Ask a server to evacuate a member; returns at the end."""
    path = f"/1.0/cluster/members/{name}/state"
    client(server).change("POST", path, {"action": "evacuate"})


def restore(server: Server, name: str, mode: str = "") -> None:
    """The same for the end of an evacuation."""
    body = {"action": "restore"} | ({"mode": mode} if mode else {})
    client(server).change("POST", f"/1.0/cluster/members/{name}/state", body)


def join(server: Server, member: Server) -> None:
    """A server joins as the charm does it, with a token from a member."""
    api = lxd(server)
    api.server.set_config({"core.https_address": endpoint(server)})
    token = lxd(member).cluster.make_token(server.hostname)
    join_target = api.cluster.join_target(token, frozenset())
    api.cluster.join(server.hostname, endpoint(server), token, [], join_target)


def start_over(server: Server) -> None:
    """LXD's folder is emptied and its daemon started."""
    server.files.kill_lxd()
    server.files.empty_lxd()
    server.snap.start()
    lxd(server).server.await_start(30)
