# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Subnets that two networks of LXD cannot both have."""

from __future__ import annotations

import pytest

from relations import ovn
from state.facts import Ovn
from tests.unit.deeds import BR0, api, changed, names, on_machines, the_cluster
from tests.unit.findings import network, statuses
from tests.unit.model_units import ModelApp, formed

UP = "{mode: physical, parent: br0, gateway: 10.55.0.1/24, ranges: 10.55.0.200-10.55.0.250}"
LAN = "{mode: bridge, ipv4: 10.55.0.1/24}"


def on_bridges() -> ModelApp:
    """Machines with a bridge for an uplink, and with OVN."""
    app = on_machines(formed(3), BR0)
    app.related[ovn.RELATION.name] = Ovn("tcp:10.0.9.1:6641")
    return app


REFUSED = [
    (f"up: {UP}", "lan", LAN, "lan: ipv4=10.55.0.0/24 overlaps up"),
    (f"lan: {LAN}", "up", UP, "up: gateway=10.55.0.0/24 overlaps lan"),
    (
        f"up: {UP}",
        "ov",
        "{mode: ovn, uplink: up, ipv4: 10.55.0.1/24}",
        "ov: ipv4=10.55.0.0/24 overlaps up",
    ),
]


@pytest.mark.parametrize(("first", "name", "second", "told"), REFUSED, ids=lambda v: str(v)[:20])
def test_no_other_network_gets_the_subnet_of_an_uplinks_router(
    first: str, name: str, second: str, told: str
):
    app = changed(on_bridges(), networks=f"{{{first}}}")

    changed(app, networks=f"{{{first}, {name}: {second}}}")

    assert statuses(app)["lxd/0"] == f"blocked: networks: {told}: choose another"
    assert name not in the_cluster(app).networks


TAKEN = [
    (
        f"up: {UP}, other: {{mode: bridge, ipv4: none}}",
        "ov",
        "{mode: ovn, uplink: other, ipv4: 10.55.0.1/24}",
    ),
    (f"up: {UP}", "up2", UP.replace("br0", "br0, vlan: 7").replace("200-", "100-")),
    ("lan: {mode: bridge, ipv4: 10.56.0.1/24}", "up", UP),
]


@pytest.mark.parametrize(("first", "name", "second"), TAKEN, ids=lambda v: str(v)[:20])
def test_a_router_elsewhere_takes_no_subnet(first: str, name: str, second: str):
    first = first.replace("br0", "br0, vlan: 6")
    app = changed(on_bridges(), networks=f"{{{first}}}")

    changed(app, networks=f"{{{first}, {name}: {second}}}")

    assert name in the_cluster(app).networks, statuses(app)


def test_a_network_on_which_something_else_changes_keeps_its_subnet():
    """Somebody has made an uplink by hand whose router is in it."""
    app = changed(on_bridges(), networks=f"{{lan: {LAN}}}")
    members = {member: {"parent": "br0"} for member in names(app)}
    api(app).networks.create("up", "physical", {"ipv4.gateway": "10.55.0.1/24"}, members)

    changed(app, networks=f"{{lan: {LAN[:-1]}, mtu: 1400}}}}")

    assert network(app, "lan")["bridge.mtu"] == "1400"
