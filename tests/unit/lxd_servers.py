# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Machines with LXD and without the charm, and an LXD that does not do what it is asked."""

from __future__ import annotations

from tests.lxd_model import by_hand, ground
from tests.lxd_model.cloud import Fault
from tests.lxd_model.server import Server


def alone(generation: str, count: int = 1) -> list[Server]:
    """Servers outside a cluster: m0, m1 and so on. They listen on their addresses."""
    _, servers = ground.machines(count, generation)
    for server in servers:
        by_hand.listen(server)
    return servers


def clustered(generation: str, count: int = 3) -> list[Server]:
    """The members of a cluster: m0, m1 and so on."""
    _, servers = ground.cluster(count, generation)
    return servers


def each(servers: list[Server]) -> dict[str, dict[str, str]]:
    """By member: no keys of its own."""
    return {server.name: {} for server in servers}


def faulty(server: Server, call: str, fault: Fault) -> None:
    """From now on LXD on this server does not execute one kind of request."""

    def fault_of(machine: str, asked: str) -> Fault:
        return fault if (machine, asked) == (server.machine, call) else ""

    server.cloud.fault = fault_of
