# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""What the action `plan` foresees: the same on the coordinator, which acts, as on any unit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from state.facts import Bound
from tests.unit.findings import network, nic, preview_of
from tests.unit.model_units import formed
from tests.unit.scenarios import BR0, ETH1, changed, on_machines, with_instance
from values.interface import Interface

UNITS = ("lxd/0", "lxd/2")
CHANGES: list[tuple[dict[str, Any], list[str]]] = [
    ({"network_nat": False}, ["set ipv4.nat, ipv6.nat on the network lxdbr0"]),
    ({"network_mtu": 1400}, ["set bridge.mtu on the network lxdbr0"]),
    (
        {"network_ipv4": "10.9.0.1/24"},
        [
            "ask m0, m1, m2 what they give to the network lxdbr0",
            "set ipv4.address on the network lxdbr0",
        ],
    ),
    ({"images_replicas": 1}, ["set cluster.images_minimal_replica=1"]),
]


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize(("options", "told"), CHANGES, ids=str)
def test_a_change_of_an_existing_network_is_foreseen(
    options: dict[str, Any], told: list[str], unit: str
):
    app = formed(3)
    app.options |= options

    assert preview_of(app, unit) == told


@pytest.mark.parametrize("unit", UNITS)
def test_what_a_change_would_cut_off_is_foreseen(unit: str):
    """The tutorial asks this before it changes the subnet."""
    app = with_instance(formed(3), "m1")
    app.options |= {"network_ipv4": "10.9.0.1/24"}

    cut = "network lxdbr0: ipv4.address cuts off 1 instance; set network-disruptive=true"
    assert preview_of(app, unit) == [f"refused: {cut}"]


@pytest.mark.parametrize("unit", UNITS)
def test_a_subnet_of_this_machine_is_foreseen(unit: str):
    app = on_machines(formed(3), ETH1)
    app.options |= {"network_ipv4": "192.0.2.77/24"}

    told = "refused: network-ipv4=192.0.2.0/24 overlaps 192.0.2.0/24 of eth0"
    assert preview_of(app, unit) == [told]


@pytest.mark.parametrize("unit", UNITS)
def test_other_interfaces_are_foreseen(unit: str):
    app = formed(3)
    for member in app.units.values():
        member.machine.interfaces_ = [ETH1, Interface("eth2")]
    changed(app, network_mode="macvlan", network_name="lan0", network_parent="eth1")
    app.options |= {"network_parent": "eth2"}

    own = "m0" if unit == "lxd/0" else "m2"
    assert preview_of(app, unit) == [
        "ask m0, m1, m2 what they give to the network lan0",
        f"set user.lxd-cluster.parents and set parent on {own} on the network lan0",
    ]


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("parent", ["", "br0", "br0 br1", "br*"])
def test_a_settled_bridge_of_the_machines_needs_nothing(parent: str, unit: str):
    app = on_machines(formed(3), BR0)
    app.bound = Bound("br0", "192.0.2.0/24")
    changed(app, network_mode="flat", network_parent=parent)
    assert nic(app)["parent"] == "br0"

    assert preview_of(app, unit) == []


@pytest.mark.parametrize("unit", UNITS)
def test_a_vlan_of_a_bridge_of_the_machines_is_foreseen(unit: str):
    app = on_machines(formed(3), replace(BR0, vlans=True))
    changed(app, network_mode="flat", network_parent="br0")
    app.options |= {"network_vlan": 7}

    assert preview_of(app, unit)[-2:] == [
        "keep instances on br0",
        "let the default profile use the network br0",
    ]


def test_a_bridge_that_no_option_names_is_not_none():
    app = formed(3)
    app.options |= {"network_mode": "flat"}

    last = preview_of(app, "lxd/0")[-1]
    assert last == "let the default profile use the network of a bridge of the machines"


@pytest.mark.parametrize("unit", UNITS)
def test_nothing_is_foreseen_once_it_is_done(unit: str):
    app = changed(formed(3), network_nat=False, network_ipv4="10.9.0.1/24", networks="{lan: vxlan}")

    assert network(app, "lxdbr0")["ipv4.address"] == "10.9.0.1/24"
    assert preview_of(app, unit) == []
