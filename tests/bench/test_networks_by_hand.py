# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Networks that an operator made on interfaces of the members, and a member that joins."""

from __future__ import annotations

import pytest

from lab.bench.bench import Bench
from plan.networks.contributions import EXTERNAL
from tests.bench.containers import launch
from tests.bench.drive import all_active, statuses, until
from tests.bench.units import BenchApp, BenchUnit, formed


def with_interfaces(unit: BenchUnit) -> None:
    """The node has two more interfaces, without addresses."""
    for name in ("card1", "card2"):
        peer = ["peer", "name", f"{name}far"]
        unit.node.check(["/usr/sbin/ip", "link", "add", name, "type", "veth", *peer])
        for end in (name, f"{name}far"):
            unit.node.check(["/usr/sbin/ip", "link", "set", end, "up"])


@pytest.mark.long
def test_a_joining_member_has_them_on_the_same_interfaces(ground: Bench):
    app: BenchApp = formed(ground, 2)
    for unit in app.units.values():
        with_interfaces(unit)
    first = app.units["lxd/0"].lxd.networks
    first.create("lan", "macvlan", {}, {m: {"parent": "card1"} for m in ("m0", "m1")})
    none = {"ipv4.address": "none", "ipv6.address": "none"}
    first.create("uplink", "bridge", none, {m: {EXTERNAL: "card2"} for m in ("m0", "m1")})

    with_interfaces(app.add(2))
    until(app, lambda: all_active(app), 120)

    assert first.parents("lan", ["m2"]) == {"m2": "card1"}
    assert first.parents("uplink", ["m2"], EXTERNAL) == {"m2": "card2"}
    shown = app.units["lxd/2"].node.check(["/usr/sbin/ip", "link", "show", "master", "uplink"])
    assert "card2" in shown


@pytest.mark.long
def test_a_container_with_a_nic_gets_no_second_one_from_the_profile(ground: Bench):
    app = formed(ground, 1, network_mode="none")
    app.units["lxd/0"].lxd.networks.create("own", "bridge", {}, {"m0": {}})
    launch(app, "c1", "m0")
    node = app.units["lxd/0"].node
    node.lxc("config", "device", "add", "c1", "lan", "nic", "network=own", "name=eth0")

    app.options["network_mode"] = "bridge"
    until(app, lambda: all_active(app), 60)

    assert "network: lxdbr0" in node.lxc("profile", "show", "default")
    node.lxc("restart", "-f", "c1")
    assert "lxdbr0" not in node.lxc("config", "show", "c1", "--expanded")


@pytest.mark.long
def test_a_container_that_lxd_cannot_give_the_nic_has_it_after_a_restart(ground: Bench):
    app = formed(ground, 1, network_mode="none")
    launch(app, "c1", "m0")
    node = app.units["lxd/0"].node
    # LXD cannot give the new interface its name.
    node.lxc("exec", "c1", "--", "ip", "link", "add", "eth0", "type", "bridge")

    app.options["network_mode"] = "bridge"
    missing = "blocked: profile's nic missing in default/c1: lxc restart c1"
    until(app, lambda: statuses(app)["lxd/0"] == missing, 60)
    node.lxc("restart", "-f", "c1")
    until(app, lambda: all_active(app), 60)

    assert "network: lxdbr0" in node.lxc("config", "show", "c1", "--expanded")
    assert "host_name" in node.lxc("config", "show", "c1")
