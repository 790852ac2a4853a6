# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Options of networks that change while something else is not finished yet."""

from __future__ import annotations

from dataclasses import replace

import pytest

from state.facts import Ovn
from tests.lxd_model import by_hand
from tests.lxd_model.instances import all_devices
from tests.unit.findings import statuses
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import api, changed, fail, heal, names, server, the_cluster, with_instance
from values.interface import Interface

ETH0 = Interface("eth0", subnets=("192.0.2.5/24",), defaults=frozenset({4}), mtu=9000)
OVN = Ovn("tcp:10.0.9.1:6641")
BR0 = Interface("br0", bridge=True, subnets=("10.1.0.5/24",))


def cards(app: ModelApp, *more: Interface) -> ModelApp:
    """Machines with these interfaces beside the one with the default route."""
    for unit in app.units.values():
        unit.machine.interfaces_ = [ETH0, *more]
    return app


def test_a_change_of_gateways_that_lxd_refused_leaves_no_role():
    app = changed(formed(3), ovn_gateways="m0")
    fail(app, "lxd/0", "PUT /1.0/cluster/members/NAME")
    changed(app, ovn_gateways="m1")
    heal(app)

    changed(app, ovn_gateways="")

    assert all(not row.given for row in the_cluster(app).members)


def test_a_change_of_ovns_address_that_lxd_refused_leaves_no_address():
    app = formed(3)
    app.related["ovn"] = OVN
    app.settle()
    fail(app, "lxd/0", "PATCH /1.0")
    app.related["ovn"] = Ovn("tcp:10.0.9.2:6641")
    app.settle()
    heal(app)

    app.related["ovn"] = None
    app.settle()

    assert "network.ovn.northbound_connection" not in the_cluster(app).config


@pytest.mark.parametrize("mode", ["flat", "vxlan"])
def test_a_unit_without_the_interface_of_the_members_stays_outside(mode: str):
    app = cards(formed(3), BR0)
    changed(app, network_mode=mode, network_name="net0", network_parent="br0 br1")
    assert statuses(app)["app"] == "active: 3 members, 3 voters"

    app.add(3).machine.interfaces_ = [ETH0, replace(BR0, name="br1")]
    app.settle()

    assert names(app) == ["m0", "m1", "m2"]
    status = f"blocked: {mode} needs one name on all machines: br1 on lxd/3, br0 on lxd/0"
    assert statuses(app)["lxd/3"] == status


def test_an_uplink_does_not_take_the_interface_of_a_network_with_instances():
    app = cards(formed(3), Interface("eth1"))
    changed(app, network_mode="macvlan", network_name="lan", network_parent="eth1")
    with_instance(app, "m1")

    changed(
        app,
        network_mode="bridge",
        network_name="lxdbr0",
        network_parent="",
        networks="{up: {mode: physical, parent: eth1}}",
    )

    assert "up" not in the_cluster(app).networks
    assert statuses(app)["app"] == "blocked: eth1 is used by lan: name another for up"


def test_the_status_says_why_an_uplink_cannot_be_made():
    app = cards(formed(3), Interface("eth1"))
    app.related["ovn"] = OVN
    mine = {"ipv4.address": "10.77.0.1/24"}
    api(app).networks.create("mine", "bridge", mine, {m: {} for m in names(app)})

    changed(
        app,
        network_mode="ovn",
        network_name="ovn0",
        ovn_uplink="up",
        networks="{up: {mode: physical, parent: eth1, gateway: 10.77.0.9/24}}",
    )

    assert "10.77.0.0/24 overlaps mine" in statuses(app)["app"]


@pytest.mark.parametrize("mode", ["none", "physical"])
def test_the_first_nic_of_the_profile_is_not_a_second_one_of_an_instance(mode: str):
    app = changed(cards(formed(3), Interface("eth7")), network_mode=mode, network_parent="eth7")
    nic = {"type": "nic", "name": "eth0", "nictype": "macvlan", "parent": "eth0"}
    by_hand.launch(server(app, "m1"), "connected", devices={"lan": nic})
    by_hand.launch(server(app, "m1"), "alone")

    changed(app, network_mode="bridge", network_parent="")

    records = the_cluster(app)
    devices = {
        name: all_devices(records, records.instances["default", name])
        for name in ("connected", "alone")
    }
    nics = {
        name: [key for key, device in found.items() if device["type"] == "nic"]
        for name, found in devices.items()
    }
    assert nics == {"connected": ["lan"], "alone": ["eth0"]}
    assert statuses(app)["app"] == "active: 3 members, 3 voters"
