# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Networks of a running cluster: made on all members at once, or not at all, without cutting off
instances.
"""

from __future__ import annotations

import json
from ipaddress import ip_interface

import pytest

from state.facts import Bound
from steps.networks import UpdateNetwork
from tests.lxd_model.generations import NAMES
from tests.unit.findings import network, nic, preview_of, statuses
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import (
    ADDRESSED,
    ETH1,
    api,
    changed,
    fail,
    heal,
    names,
    on_machines,
    server,
    the_cluster,
    with_instance,
    without,
)
from values.interface import Interface

SECRET = "hunter2"
PEER = {"bgp.peers.r1.address": "10.0.0.250", "bgp.peers.r1.password": SECRET}


@pytest.mark.parametrize("generation", NAMES)
def test_no_value_of_an_operators_key_is_shown_or_logged(
    generation: str, caplog: pytest.LogCaptureFixture
):
    """A router's password is one of the keys that a network may have. LXD here refuses them."""
    caplog.set_level("DEBUG")
    app = changed(formed(2, generation), network_config=json.dumps(PEER))

    steps = [line for unit in app.units.values() for line in unit.shown_steps]
    assert any("bgp.peers.r1.password" in line for line in steps)
    shown = [*steps, *statuses(app).values(), *preview_of(app, "lxd/0"), caplog.text]
    assert not any(SECRET in line for line in shown)


def test_set_and_unset_keys_are_shown_without_their_values():
    step = UpdateNetwork("lan", {"ipv4.nat": "true", "dns.domain": ""}, {"m1": {"parent": "eth1"}})

    assert str(step) == "set ipv4.nat and unset dns.domain and set parent on m1 on the network lan"


def test_a_subnet_of_a_machine_is_refused():
    app = on_machines(formed(3), ETH1)

    changed(app, network_ipv4="192.0.2.1/16")

    reason = "network-ipv4=192.0.0.0/16 overlaps 192.0.2.0/24 of eth0"
    assert statuses(app)["lxd/1"] == f"blocked: {reason}"
    assert network(app, "lxdbr0")["ipv4.address"] == "10.0.0.1/24"


@pytest.mark.parametrize(("key", "own"), [("ipv4", "10.0.0.77/24"), ("ipv6", "fd07::77/64")])
def test_a_refused_subnet_of_one_more_network_is_named_with_its_key(key: str, own: str):
    card = Interface("eth0", subnets=("10.0.0.1/24", "fd07::1/64"))
    app = formed(3)
    for unit in app.units.values():
        unit.machine.interfaces_ = [card]

    changed(app, networks=f"{{n1: {{mode: bridge, {key}: '{own}'}}}}")

    subnet = str(ip_interface(own).network)
    reason = f"networks: n1: {key}={subnet} overlaps {subnet} of eth0"
    assert statuses(app)["lxd/1"] == f"blocked: {reason}"
    assert "n1" not in the_cluster(app).networks


def test_one_more_network_does_not_get_the_subnet_of_one_made_by_hand():
    app = formed(2)
    members: dict[str, dict[str, str]] = {member: {} for member in names(app)}
    api(app).networks.create("hand", "bridge", {"ipv4.address": "10.66.0.1/24"}, members)

    changed(app, networks="{n1: {mode: bridge, ipv4: 10.66.0.1/24}}")

    status = "blocked: networks: n1: ipv4=10.66.0.0/24 overlaps hand: choose another"
    assert statuses(app)["lxd/0"] == status


def test_a_bridge_takes_no_interface_of_the_machine_along():
    app = on_machines(formed(3), Interface("br-int"))

    changed(app, network_name="br")

    reason = "network br: LXD would delete br-int; rename the network"
    assert statuses(app)["lxd/0"] == f"blocked: {reason}"
    assert "br" not in the_cluster(app).networks


@pytest.mark.parametrize("generation", NAMES)
@pytest.mark.parametrize(
    "options",
    [
        {"network_name": "br"},
        {"networks": "{br: bridge}"},
        {"networks": "{br: vxlan}"},
        {"networks": "{br: {mode: bridge, ipv4: 10.77.0.1/24}}"},
    ],
    ids=["name", "map", "vxlan", "ipv4"],
)
def test_a_bridge_takes_no_interface_of_another_members_machine_along(
    generation: str, options: dict[str, str]
):
    app = on_machines(formed(3, generation), ADDRESSED, Interface("br-int"), ADDRESSED)

    changed(app, **options)

    reason = "network br would delete br-int on lxd/1; rename it"
    assert statuses(app)["lxd/0"] == f"blocked: {reason}"
    assert "br" not in the_cluster(app).networks

    app.units["lxd/1"].machine.interfaces_ = [ADDRESSED]
    app.hook("lxd/1")
    app.settle()

    assert "br" in the_cluster(app).networks


def test_a_bridge_is_made_once_every_unit_has_looked_for_interfaces_with_its_name():
    """A unit with an older charm publishes nothing about it."""
    app = formed(3)
    app.options |= {"network_name": "br"}

    waits = app.hook("lxd/0").status

    assert str(waits) == "waiting: for lxd/1, lxd/2 to answer about the network br"
    app.settle()
    assert "br" in the_cluster(app).networks


def test_interfaces_that_lxd_made_do_not_prevent_a_bridge():
    app = on_machines(formed(3), ADDRESSED, Interface("br-lxd", made_by_lxd=True), ADDRESSED)

    changed(app, network_name="br")

    assert app.own("lxd/1").clashes["br"] == ""
    assert "br" in the_cluster(app).networks


@pytest.mark.parametrize("own", ["lxdbr0", "lxdbr0-x"])
def test_one_whose_interface_is_called_like_a_bridge_does_not_join(own: str):
    app = formed(3)

    app.add(3).machine.interfaces_ = [ADDRESSED, Interface(own)]
    app.settle()

    status = f"blocked: network lxdbr0: this machine has the interface {own}: rename it"
    assert statuses(app)["lxd/3"] == status
    assert names(app) == ["m0", "m1", "m2"]


def test_a_subnet_of_another_network_is_refused():
    app = on_machines(formed(3, network_ipv4="10.9.0.1/24"), ETH1)

    changed(app, network_mode="vxlan")

    status = "blocked: network-ipv4=10.9.0.0/24 overlaps lxdbr0: choose another"
    assert statuses(app)["lxd/0"] == status
    assert nic(app) == {"network": "lxdbr0"}


@pytest.mark.parametrize("generation", NAMES)
def test_what_runs_on_a_network_keeps_it_when_the_default_changes(generation: str):
    app = with_instance(formed(3, generation), "m1", name="c1")
    app.cloud.now += 60

    changed(app, network_name="br7")

    kept = the_cluster(app).instances["default", "c1"].devices["eth0"]
    assert kept == {"type": "nic", "name": "eth0", "network": "lxdbr0"}
    assert app.cloud.cut_off == []
    assert nic(app) == {"network": "br7"}


@pytest.mark.parametrize("generation", NAMES)
def test_an_instance_that_cannot_keep_its_network_is_named(generation: str):
    """LXD checks its other devices, too: `Missing source path "/srv" for disk "data"`."""
    app = with_instance(formed(3, generation), "m1", name="c1")
    app.options |= {"network_name": "br7"}
    fail(app, "lxd/0", "PATCH /1.0/instances/NAME")

    app.settle()
    status = str(app.hook("lxd/0").status)

    assert status.startswith("blocked: could not keep instances on lxdbr0: ")
    assert status.endswith(" of default/c1")
    assert nic(app) == {"network": "lxdbr0"}
    heal(app)
    app.settle()
    assert nic(app) == {"network": "br7"}


@pytest.mark.parametrize("generation", NAMES)
@pytest.mark.parametrize("machine", ["m0", "m1"])
def test_a_kernel_without_ipv6_says_what_to_set(machine: str, generation: str):
    app = formed(3, generation)
    server(app, machine).no_ipv6 = True
    app.options |= {"network_name": "br7"}
    app.settle()

    status = str(app.hook("lxd/0").status)

    why = "no IPv6 there; set network-ipv6=none"
    assert status == f"blocked: could not create the bridge network br7: {why}"
    changed(app, network_ipv6="none")
    assert nic(app) == {"network": "br7"}


def test_a_machine_without_ubuntus_fan_says_so():
    app = formed(2)
    for unit in app.units.values():
        unit.machine.missing_ = "fan: ip(8) here does not know fan-map: use machines with Ubuntu"

    changed(app, network_mode="fan", network_name="fan0")

    assert (
        statuses(app)["lxd/1"]
        == "blocked: fan: ip(8) here does not know fan-map: use machines with Ubuntu"
    )
    assert "fan0" not in the_cluster(app).networks


def test_a_fan_is_over_the_subnet_of_its_binding():
    app = on_machines(formed(2), ETH1)
    app.bound = Bound("eth0", "192.0.2.0/24")

    changed(app, network_mode="fan", network_name="fan0")

    config = network(app, "fan0")
    assert config["bridge.mode"] == "fan"
    assert config["fan.underlay_subnet"] == "192.0.2.0/24"
    assert "fan.overlay_subnet" not in config
    assert "ipv4.address" not in config


def test_a_fan_s_overlay_is_chosen():
    app = formed(2)

    changed(app, network_mode="fan", network_name="fan0", network_ipv4="250.0.0.0/8")

    assert network(app, "fan0")["fan.overlay_subnet"] == "250.0.0.0/8"


def test_more_networks_are_made_beside_the_default_one():
    app = on_machines(formed(3), ETH1)
    wanted = "{lan: {mode: macvlan, parent: eth1, vlan: 7}, quiet: {mode: bridge, nat: false}}"

    changed(app, networks=wanted)

    assert network(app, "lan")["vlan"] == "7"
    assert network(app, "quiet")["ipv4.nat"] == "false"
    assert nic(app) == {"network": "lxdbr0"}


def test_a_network_of_another_mode_is_left_alone():
    app = formed(3)
    changed(app, networks="other: bridge")

    changed(app, networks="other: vxlan")

    assert (
        statuses(app)["lxd/0"]
        == "blocked: network other has the mode bridge here: choose another name"
    )


def set_nic(app: ModelApp, nic: dict[str, str]) -> None:
    """The operator has changed the default profile."""
    profile = api(app).profiles.default()
    api(app).profiles.set_default({**profile, "devices": {**profile["devices"], "eth0": nic}})


def test_an_altered_nic_of_the_profile_is_restored():
    app = formed(3)
    api(app).networks.create("other", "bridge", {}, {member: {} for member in names(app)})
    set_nic(app, {"type": "nic", "name": "eth0", "network": "other"})

    app.settle()

    assert nic(app) == {"network": "lxdbr0"}


def test_what_an_operator_added_to_the_nic_stays():
    app = formed(3)
    set_nic(app, {"type": "nic", "name": "eth0", **nic(app), "limits.ingress": "1Gbit"})

    app.settle()

    assert nic(app) == {"network": "lxdbr0", "limits.ingress": "1Gbit"}


def test_no_network_is_made_while_a_member_is_down():
    app = without(formed(3), "m2")

    app.options |= {"networks": "lan: bridge"}

    plan = app.plan("lxd/0")
    assert str(plan.status) == "waiting: to make the network lan until m2 is back"
    assert plan.steps == ()


def test_any_unit_shows_what_a_switch_of_networks_will_do():
    app = formed(3)
    app.options |= {"network_mode": "vxlan"}

    preview = preview_of(app, "lxd/2")

    assert preview == [
        "ask m0, m1, m2 what they give to the network lxdbr0vxlan",
        "create the vxlan network lxdbr0vxlan on m0, m1, m2",
        "keep instances on lxdbr0",
        "let the default profile use the network lxdbr0vxlan",
    ]
