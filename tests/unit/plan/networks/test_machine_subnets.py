# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A subnet that LXD or the charm chooses, and the subnets of all machines."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_interface

import pytest

from relations import ovn
from state.facts import Ovn
from tests.lxd_model.generations import NAMES
from tests.unit.findings import network, statuses
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import ADDRESSED, api, changed, names, with_ranges
from values.interface import Interface

VXLAN = {"network_mode": "vxlan", "network_name": "seg0"}
CHOSEN = "10.112.0.1/16"
"""The charm's choice for that network of three members, if no machine has anything of it."""
TAKEN = [
    Interface("eth7", subnets=("10.112.7.5/24",)),
    Interface("eth7", routes=("10.112.128.0/17",)),
    Interface("eth7", subnets=("10.113.0.5/15",)),
]


def on_cards(app: ModelApp, unit: str, *cards: Interface) -> ModelApp:
    """One machine has more cards than the others."""
    for name, other in app.units.items():
        other.machine.interfaces_ = [ADDRESSED, *(cards if name == unit else ())]
    app.settle()
    return app


def seg0(app: ModelApp) -> str:
    return network(app, "seg0")["ipv4.address"]


def test_the_charm_chooses_a_subnet_that_no_machine_has():
    assert seg0(changed(formed(3), **VXLAN)) == CHOSEN


@pytest.mark.parametrize("unit", ["lxd/0", "lxd/1"])
@pytest.mark.parametrize("card", TAKEN, ids=["subnet", "route", "wide"])
def test_a_subnet_that_any_machine_has_is_not_chosen(unit: str, card: Interface):
    app = on_cards(formed(3), unit, card)

    changed(app, **VXLAN)

    taken = [ip_interface(cidr).network for cidr in (*card.subnets, *card.routes)]
    assert ip_interface(seg0(app)).network.prefixlen == 16
    assert not any(net.overlaps(ip_interface(seg0(app)).network) for net in taken)
    assert statuses(app)["app"].startswith("active")


def test_a_subnet_with_a_members_address_is_not_chosen():
    app = ModelApp()
    for number in range(3):
        unit = app.add(number)
        unit.address = f"10.112.0.{number + 1}"
        unit.server.addresses = {*unit.server.addresses, unit.address}
    app.settle()

    changed(app, **VXLAN)

    assert not seg0(app).startswith("10.112.")


def test_a_subnet_of_another_network_is_not_chosen():
    app = with_ranges(formed(3))
    app.related[ovn.RELATION.name] = Ovn("tcp:10.0.9.1:6641")
    changed(
        app, network_mode="none", networks=f"{{ov: {{mode: ovn, uplink: lxdbr0, ipv4: {CHOSEN}}}}}"
    )

    changed(app, **VXLAN)

    assert not seg0(app).startswith("10.112.")


def test_a_machine_says_no_more_than_the_choice_needs():
    cards = (*TAKEN, Interface("eth8", subnets=("172.16.0.5/24", "fd00::5/64")))
    app = changed(on_cards(formed(2), "lxd/1", *cards), **VXLAN)

    answers = app.own("lxd/1").links

    assert [answer.taken for answer in answers.values()] == [("10.112.0.0/15",)]
    changed(app, network_ipv4="10.9.0.1/24")
    assert [answer.taken for answer in app.own("lxd/1").links.values()] == [()]


MINE = replace(TAKEN[0], subnets=("10.0.0.5/24",))


@pytest.mark.parametrize("generation", NAMES)
@pytest.mark.parametrize("unit", ["lxd/0", "lxd/1"])
def test_a_machine_in_a_subnet_that_lxd_chose_is_reported(unit: str, generation: str):
    """LXD compares it with the routes of one machine, and a machine may get an address later."""
    app = on_cards(formed(3, generation), unit, MINE)

    reason = "network lxdbr0: 10.0.0.0/24 overlaps 10.0.0.0/24 of eth7: set network-ipv4"
    assert statuses(app)[unit] == f"blocked: {reason}"

    changed(app, network_ipv4="10.9.0.1/24")
    assert statuses(app)[unit].startswith("active")


def test_a_network_of_an_operator_is_left_to_the_operator():
    app = on_cards(formed(2), "")
    members: dict[str, dict[str, str]] = {member: {} for member in names(app)}
    api(app).networks.create("mine", "bridge", {"ipv4.address": "10.66.0.1/24"}, members)
    on_cards(app, "lxd/1", Interface("eth7", subnets=("10.66.0.5/24",)))

    assert statuses(app)["lxd/1"].startswith("active")


def test_bridges_of_lxd_are_not_a_machines_own():
    bridge = Interface("lxdbr0", bridge=True, subnets=("10.0.0.1/24",), made_by_lxd=True)
    beside = Interface("lxdbr1", bridge=True, subnets=("10.0.0.9/24",), made_by_lxd=True)

    app = on_cards(formed(2), "lxd/1", bridge, beside)

    assert statuses(app)["lxd/1"].startswith("active")


def test_a_route_that_announces_the_network_is_not_a_clash():
    """BGP daemons have such a route to nowhere beside the kernel's own."""
    nowhere = Interface("lo", routes=("10.66.0.0/24",))

    app = on_cards(formed(2, network_ipv4="10.66.0.1/24"), "lxd/1", nowhere)

    assert statuses(app)["lxd/1"].startswith("active")


def test_an_interface_that_comes_and_goes_wakes_nobody_once_the_network_is_made():
    app = on_cards(formed(2, network_mode="vxlan", network_parent="eth0"), "")
    before = dict(app.databags["lxd/1"])
    machine = app.units["lxd/1"].machine
    machine.interfaces_ = [*machine.interfaces_, Interface("wg0", subnets=("10.200.7.3/24",))]

    app.hook("lxd/1")

    assert app.databags["lxd/1"] == before
