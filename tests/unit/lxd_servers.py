"""Machines with LXD on them that no charm looks after, and what LXD refuses or is silent about."""

from __future__ import annotations

from tests.lxd_model import by_hand
from tests.lxd_model.cloud import Cloud, Fault
from tests.lxd_model.server import Server


def alone(generation: str, count: int = 1) -> list[Server]:
    """Servers that are in no cluster."""
    cloud = Cloud(generation=generation)
    servers = [cloud.add(str(n), f"m{n}", f"10.0.0.{n + 1}") for n in range(count)]
    for server in servers:
        server.snap.install("any/stable", "")
        cloud.now = max(cloud.now, server.ready)
        by_hand.listen(server)
    return servers


def clustered(generation: str, count: int = 3) -> list[Server]:
    """The members of a cluster: m0, m1 and so on."""
    servers = alone(generation, count)
    first, *others = servers
    by_hand.found(first)
    for server in others:
        by_hand.join(server, first)
    first.cloud.now += 20
    first.cloud.tick()
    return servers


def each(servers: list[Server]) -> dict[str, dict[str, str]]:
    """By member: no keys of its own."""
    return {server.name: {} for server in servers}


def faulty(server: Server, call: str, fault: Fault) -> None:
    """From now on LXD on this server does not do what one kind of request asks for."""

    def told(machine: str, asked: str) -> Fault:
        return fault if (machine, asked) == (server.machine, call) else ""

    server.cloud.fault = told
