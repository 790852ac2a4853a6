# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Subnets that two networks of LXD cannot both have."""

from __future__ import annotations

from dataclasses import replace

import pytest

from relations import ovn
from state.facts import Ovn
from tests.lxd_model.generations import NAMES
from tests.unit.findings import network, statuses
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import BR0, api, changed, names, on_machines, the_cluster

UP = "{mode: physical, parent: br0, gateway: 10.55.0.1/24, ranges: 10.55.0.200-10.55.0.250}"
LAN = "{mode: bridge, ipv4: 10.55.0.1/24}"


def on_bridges(generation: str = "5.21") -> ModelApp:
    """Machines with a bridge for an uplink, and with OVN."""
    app = on_machines(formed(3, generation), BR0)
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


@pytest.mark.parametrize(("first", "name", "second", "reason"), REFUSED, ids=lambda v: str(v)[:20])
def test_no_other_network_gets_the_subnet_of_an_uplinks_router(
    first: str, name: str, second: str, reason: str
):
    app = changed(on_bridges(), networks=f"{{{first}}}")

    changed(app, networks=f"{{{first}, {name}: {second}}}")

    assert statuses(app)["lxd/0"] == f"blocked: networks: {reason}: choose another"
    assert name not in the_cluster(app).networks


TAKEN = [
    (
        f"up: {UP}, other: {{mode: bridge, ipv4: none}}",
        "ov",
        "{mode: ovn, uplink: other, ipv4: 10.55.0.1/24}",
    ),
    ("lan: {mode: bridge, ipv4: 10.56.0.1/24}", "up", UP),
]


@pytest.mark.parametrize(("first", "name", "second"), TAKEN, ids=lambda v: str(v)[:20])
def test_a_router_elsewhere_takes_no_subnet(first: str, name: str, second: str):
    first = first.replace("br0", "br0, vlan: 6")
    app = changed(on_bridges(), networks=f"{{{first}}}")

    changed(app, networks=f"{{{first}, {name}: {second}}}")

    assert name in the_cluster(app).networks, statuses(app)


TAGGED = UP.replace("br0", "br0, vlan: 6")
TAGGED2 = UP.replace("br0", "br0, vlan: 7").replace("200-", "100-")


@pytest.mark.parametrize("generation", NAMES)
def test_two_uplinks_on_one_interface_are_for_lxd_to_allow(generation: str):
    """LXD 5.21 and later do not look at the VLANs of other members."""
    app = on_bridges(generation)

    changed(app, networks=f"{{up: {TAGGED}, up2: {TAGGED2}}}")
    status = app.hook("lxd/0").status

    told = "blocked: could not create the physical network up2: name br0's VLANs as parents"
    assert str(status) == (told if generation != "5.0" else "active: member m0, voter")
    assert ("up2" in the_cluster(app).networks) == (generation == "5.0")


@pytest.mark.parametrize("generation", NAMES)
def test_uplinks_on_interfaces_of_vlans_are_made(generation: str):
    app = on_bridges(generation)
    for unit in app.units.values():
        unit.machine.interfaces_ = [*unit.machine.interfaces_, replace(BR0, name="br0.7")]

    changed(app, networks=f"{{up: {TAGGED}, up2: {TAGGED2.replace('br0, vlan: 7', 'br0.7')}}}")

    assert {"up", "up2"} <= set(the_cluster(app).networks)
    assert statuses(app)["app"] == "active: 3 members, 3 voters"


def test_a_network_on_which_something_else_changes_keeps_its_subnet():
    """Somebody has made an uplink by hand whose router is in it."""
    app = changed(on_bridges(), networks=f"{{lan: {LAN}}}")
    members = {member: {"parent": "br0"} for member in names(app)}
    api(app).networks.create("up", "physical", {"ipv4.gateway": "10.55.0.1/24"}, members)

    changed(app, networks=f"{{lan: {LAN[:-1]}, mtu: 1400}}}}")

    assert network(app, "lan")["bridge.mtu"] == "1400"
