# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A member's interface of a network, after somebody has changed it, or its machine has another."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.lxd_model import by_hand
from tests.lxd_model.generations import NAMES
from tests.unit.findings import parents, statuses
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import ENS3, ETH1, api, changed
from values.interface import Interface

ETH2 = Interface("eth2")
CUT = "blocked: network lan0: parent cuts off 1 instance; set network-disruptive=true"


def on_lan(named: str, *cards: Interface, generation: str = "5.21") -> ModelApp:
    """Three machines with a network on the first card."""
    app = formed(3, generation)
    for unit in app.units.values():
        unit.machine.interfaces_ = [ETH1, *cards]
    return changed(app, network_mode="macvlan", network_name="lan0", network_parent=named)


def with_card(app: ModelApp, unit: str, *cards: Interface) -> ModelApp:
    """The machine has other cards."""
    app.units[unit].machine.interfaces_ = list(cards)
    app.settle()
    return app


def on_lan0(app: ModelApp) -> ModelApp:
    """An instance is on the network."""
    device = {"type": "nic", "name": "eth0", "network": "lan0"}
    by_hand.launch(app.units["lxd/1"].server, "c1", devices={"eth0": device})
    return app


@pytest.mark.parametrize("generation", NAMES)
@pytest.mark.parametrize("member", ["m0", "m1"])
def test_an_interface_that_somebody_changed_is_put_back(member: str, generation: str):
    app = on_lan("eth1", ETH2, generation=generation)

    api(app).networks.set_own("lan0", member, {"parent": "eth2"})
    app.settle()

    assert parents(app, "lan0") == dict.fromkeys(("m0", "m1", "m2"), "eth1")
    assert statuses(app)["app"].startswith("active")


def test_an_interface_is_not_put_back_under_instances():
    app = on_lan0(on_lan("eth1", ETH2))

    api(app).networks.set_own("lan0", "m1", {"parent": "eth2"})
    app.settle()

    assert statuses(app)["lxd/1"] == CUT
    assert parents(app, "lan0")["m1"] == "eth2"
    changed(app, network_disruptive=True)
    assert parents(app, "lan0")["m1"] == "eth1"


@pytest.mark.parametrize("generation", NAMES)
def test_a_card_that_the_machine_no_longer_has_is_replaced_if_that_is_allowed(generation: str):
    """Without the option the card may be back in a moment, and the network be another one."""
    app = with_card(on_lan0(on_lan("eth1 ens*", generation=generation)), "lxd/1", ENS3)
    before = parents(app, "lan0")["m1"], statuses(app)["lxd/1"]

    changed(app, network_disruptive=True)

    assert before[0] == "eth1"
    assert before[1].startswith("blocked: network lan0: parent cuts off")
    assert parents(app, "lan0") == {"m0": "eth1", "m1": "ens3", "m2": "eth1"}
    assert statuses(app)["lxd/1"].startswith("active")


def test_the_interface_of_an_uplink_in_use_is_lxds_to_keep():
    router = "gateway: 10.1.0.1/24, ranges: 10.1.0.5-10.1.0.9"
    up = f"{{up: {{mode: physical, parent: 'eth1 ens*', {router}}}}}"
    app = changed(on_lan("eth1 ens*"), network_mode="bridge", network_parent="", networks=up)
    changed(app, network_disruptive=True)
    api(app).networks.delete("lan0")
    app.settle()
    api(app).networks.create("ov", "ovn", {"network": "up"}, {})

    with_card(app, "lxd/1", ENS3)

    kept = "LXD keeps eth1 with 1 network on it: bring eth1 back"
    assert statuses(app)["lxd/1"] == f"blocked: network up: {kept}"
    assert parents(app, "up")["m1"] == "eth1"


def test_a_card_that_is_not_set_up_for_a_moment_stays():
    app = on_lan("eth1 ens*", ENS3)

    with_card(app, "lxd/1", replace(ETH1, up=False), ENS3)

    assert parents(app, "lan0")["m1"] == "eth1"


def test_without_another_card_the_unit_says_what_is_missing():
    app = with_card(on_lan("eth1"), "lxd/1", ENS3)

    assert statuses(app)["lxd/1"] == "blocked: network-parent=eth1: not on this machine"
    assert parents(app, "lan0")["m1"] == "eth1"


def bridged_by_juju(app: ModelApp) -> ModelApp:
    """Juju made a bridge over the card of lxd/1's machine, for containers of its own."""
    port = replace(ETH1, master="br-eth1")
    return with_card(app, "lxd/1", port, Interface("br-eth1", bridge=True))


@pytest.mark.parametrize("generation", NAMES)
def test_a_card_that_became_a_port_of_a_bridge_is_replaced_by_the_bridge(generation: str):
    app = on_lan("eth1 br-eth1", generation=generation)

    bridged_by_juju(app)

    assert parents(app, "lan0") == {"m0": "eth1", "m1": "br-eth1", "m2": "eth1"}
    assert statuses(app)["lxd/1"].startswith("active")


def test_the_binding_has_the_bridge_then():
    app = formed(3)
    for unit in app.units.values():
        unit.machine.interfaces_ = [ETH1]
    app.bound = replace(app.bound, interface="eth1")
    changed(app, network_mode="macvlan", network_name="lan0")
    app.bound = replace(app.bound, interface="br-eth1")

    port = replace(ETH1, master="br-eth1")
    for unit in ("lxd/0", "lxd/1", "lxd/2"):
        with_card(app, unit, port, Interface("br-eth1", bridge=True))

    assert set(parents(app, "lan0").values()) == {"br-eth1"}


def test_under_instances_the_status_names_the_port():
    """The kernel has none of them running there: they would not start."""
    app = bridged_by_juju(on_lan0(on_lan("eth1 br-eth1")))

    why = "eth1 is a port of br-eth1; set network-disruptive=true"
    assert statuses(app)["lxd/1"] == f"blocked: network lan0: {why}"
    changed(app, network_disruptive=True)
    assert parents(app, "lan0")["m1"] == "br-eth1"


def test_virtual_functions_of_a_port_stay():
    card = replace(ETH1, virtual_functions=4)
    app = formed(3)
    for unit in app.units.values():
        unit.machine.interfaces_ = [card]
    options = {"network_mode": "sriov", "network_name": "lan0"}
    changed(app, **options, network_parent="eth1 br-eth1")

    with_card(app, "lxd/1", replace(card, master="bond0"), Interface("bond0"))

    assert parents(app, "lan0")["m1"] == "eth1"


def test_without_another_name_in_the_list_the_status_names_the_bridge():
    app = bridged_by_juju(on_lan("eth1"))

    assert statuses(app)["lxd/1"] == "blocked: eth1 is a port of br-eth1: name another for lan0"
