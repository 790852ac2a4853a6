# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A hook or a daemon ends while LXD makes something on all members: the next hooks make it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

import pytest

from act.networks import create_network
from lab.bench.bench import Bench
from lxd.errors import LxdUnreachable
from lxd.http import Request
from modes import MARK
from state.view import RunHistory
from steps.networks import CreateNetwork
from tests.bench.drive import all_active, until
from tests.bench.units import BenchApp, BenchUnit, SocketOnNode, formed

MEMBERS = ("m0", "m1", "m2")
# Seconds after the request began. Measured: LXD makes a bridge on three members in 1 s to 3 s.
DELAYS = (0.1, 0.3, 0.5, 0.7, 0.9, 1.1, 1.4, 1.8)


@pytest.mark.long
def test_a_network_that_a_killed_hook_began_is_made(ground: Bench):
    app: BenchApp = formed(ground, 3, network_mode="none")
    for number, delay in enumerate(DELAYS):
        keys = {"ipv4.address": f"10.{150 + number}.0.1/24", "ipv6.address": "none"}
        step = CreateNetwork(f"br{number}", "bridge", keys, {m: {} for m in MEMBERS})
        _begin(app, step, delay)

        create_network(step, "lxd/0", app.units["lxd/0"].ports, RunHistory())

        assert _made(app, step.name) == dict.fromkeys(MEMBERS, True)


@pytest.mark.long
def test_a_network_is_made_although_a_member_ended_meanwhile(ground: Bench):
    app: BenchApp = formed(ground, 3, network_mode="none")
    other = app.units["lxd/1"].node
    for number, delay in enumerate(DELAYS):
        name, subnet = f"br{number}", f"10.{150 + number}.0.1/24"
        # As the charm makes it: without its mark, a network is its operator's.
        keys = {"ipv4.address": subnet, "ipv4.nat": "true", "ipv6.address": "none", MARK: "bridge"}
        _begin(app, CreateNetwork(name, "bridge", keys, {m: {} for m in MEMBERS}), delay)
        other.kill_daemon()
        other.start_daemon()
        more = {"network_mode": "bridge", "network_name": name, "network_ipv4": subnet}
        app.options |= {**more, "network_ipv6": "none"}

        until(app, lambda name=name: all_active(app) and all(_made(app, name).values()), 120)


# Measured: LXD makes a pool in folders on three members in 0.2 s.
POOL_DELAYS = (0.04, 0.08, 0.12, 0.16, 0.2, 0.24)


@pytest.mark.long
def test_a_pool_is_made_although_a_member_ended_meanwhile(ground: Bench):
    app: BenchApp = formed(ground, 3)
    other, pools = app.units["lxd/1"].node, app.units["lxd/0"].lxd.pools
    for number, delay in enumerate(POOL_DELAYS):
        name = f"pool{number}"
        _send(app, "/1.0/storage-pools", {"name": name, "driver": "dir"}, {}, delay)
        other.kill_daemon()
        other.start_daemon()
        app.options["storage_pools"] = f"{name}: dir"

        def made(name: str = name) -> bool:
            return any(pool.name == name and not pool.half_made for pool in pools.list())

        until(app, lambda made=made: all_active(app) and made(), 120)


def _begin(app: BenchApp, step: CreateNetwork, delay: float) -> None:
    body = {"name": step.name, "type": step.type}
    _send(app, "/1.0/networks", body, step.config, delay)


def _send(
    app: BenchApp, path: str, body: Mapping[str, str], config: Mapping[str, str], delay: float
) -> None:
    """The requests of a hook that is killed `delay` seconds after the last one."""
    port = SocketOnNode(app.units["lxd/0"].node)
    for member in MEMBERS:
        port.send(Request("POST", path, {"target": member}, body), 10)
    with suppress(LxdUnreachable):
        port.send(Request("POST", path, {}, {**body, "config": config}), delay)


def _made(app: BenchApp, network: str) -> Mapping[str, bool]:
    """By member: whether the network is made, and its bridge is there."""
    made = {n.name for n in app.units["lxd/0"].lxd.networks.list() if not n.half_made}
    links = {unit.node.place.hostname: _links(unit) for unit in app.units.values()}
    return {name: network in made and f" {network}: " in shown for name, shown in links.items()}


def _links(unit: BenchUnit) -> str:
    return unit.node.check(["/usr/sbin/ip", "link", "show"])
