# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The charm checks an interface before it makes a network on it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from host import capabilities, interfaces
from state.facts import Bound
from tests.unit.findings import network, nic, parents, statuses
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import BR0, ETH1, changed, the_cluster
from values.interface import Interface

CARD = replace(ETH1, mtu=1500, virtual_functions=4)
WIRED = replace(CARD, subnets=("192.0.2.5/24",), defaults=frozenset({4}))
SIX = replace(CARD, subnets=("2001:db8::5/64",), defaults=frozenset({6}))
TRUNK = replace(BR0, mtu=1500)


def app_on(
    *last: Interface, good: Interface = CARD, generation: str = "5.21", **options: Any
) -> ModelApp:
    """Three machines: two have `good`, and the last has these, when the options are set."""
    app = formed(3, generation)
    for unit in app.units.values():
        unit.machine.interfaces_ = [good]
    app.units["lxd/2"].machine.interfaces_ = list(last)
    return changed(app, **options)


UNFIT: list[tuple[str, Interface, dict[str, Any], str]] = [
    ("macvlan", replace(CARD, up=False), {}, "is not up"),
    ("macvlan", replace(CARD, master="bond0"), {}, "is a port of bond0"),
    ("macvlan", replace(CARD, master="ovs-system"), {}, "is a port of ovs-system"),
    ("macvlan", replace(CARD, wireless=True), {}, "is wireless"),
    ("macvlan", replace(CARD, mtu=1400), {"network_mtu": 1450}, "has an MTU of 1400"),
    ("sriov", replace(CARD, virtual_functions=0), {}, "has no virtual functions"),
    ("sriov", replace(CARD, up=False), {}, "is not up"),
]


@pytest.mark.parametrize(("mode", "interface", "options", "why"), UNFIT, ids=str)
def test_an_interface_that_cannot_is_named_before_anything_is_made(
    mode: str, interface: Interface, options: dict[str, Any], why: str
):
    app = app_on(
        interface, network_mode=mode, network_name="lan0", network_parent="eth1", **options
    )

    unit_statuses = statuses(app)
    assert unit_statuses["lxd/2"] == f"blocked: eth1 {why}: name another for lan0"
    assert unit_statuses["lxd/0"] == f"blocked: lxd/2: eth1 {why}: name another for lan0"
    assert "lan0" not in the_cluster(app).networks


def test_the_first_interface_that_can_is_taken():
    app = app_on(
        replace(CARD, name="eth0", up=False),
        CARD,
        network_mode="macvlan",
        network_name="lan0",
        network_parent="eth*",
    )

    assert parents(app, "lan0") == dict.fromkeys(["m0", "m1", "m2"], "eth1")


def test_a_vlan_of_a_port_is_not_a_port():
    app = app_on(
        replace(CARD, master="br0"),
        network_mode="macvlan",
        network_name="lan0",
        network_parent="eth1",
        network_vlan=7,
    )

    assert "lan0" in the_cluster(app).networks


UPLINKS = [
    (replace(CARD, master="bond0"), "is a port of bond0"),
    (replace(CARD, wireless=True), "is wireless"),
]


@pytest.mark.parametrize(("interface", "why"), UPLINKS, ids=str)
def test_an_uplink_takes_an_interface_whole(interface: Interface, why: str):
    app = app_on(interface, networks="{up: {mode: physical, parent: eth1}}")

    assert statuses(app)["lxd/2"] == f"blocked: eth1 {why}: name another for up"
    assert "up" not in the_cluster(app).networks


VLAN = Interface("office", base="eth1", vlan=7)
VLANS = [
    (replace(VLAN, subnets=("10.7.0.5/24",)), "has office with 10.7.0.5"),
    (replace(VLAN, master="br-office"), "has office, a port of br-office"),
]
ON_VLAN = "{up: {mode: physical, parent: eth1, vlan: 7}}"


@pytest.mark.parametrize(("own", "why"), VLANS, ids=str)
def test_an_uplink_does_not_take_a_vlan_that_the_machine_uses(own: Interface, why: str):
    """MAAS gave it any name: LXD looks for the VLAN, not for the name."""
    app = app_on(CARD, own, networks=ON_VLAN)

    assert statuses(app)["lxd/2"] == f"blocked: eth1 {why}: name another for up"
    assert "up" not in the_cluster(app).networks


@pytest.mark.parametrize(
    "own",
    [
        VLAN,
        replace(VLAN, master="ovs-system"),
        replace(VLAN, subnets=("10.7.0.5/24",), vlan=8),
        replace(VLAN, subnets=("10.7.0.5/24",), base="eth2"),
    ],
)
def test_an_uplink_takes_a_vlan_that_is_free_or_in_lxds_open_vswitch(own: Interface):
    app = app_on(CARD, own, networks=ON_VLAN)

    assert "up" in the_cluster(app).networks


def test_a_macvlan_network_shares_a_vlan_with_its_machine():
    own = replace(VLAN, subnets=("10.7.0.5/24",))
    app = app_on(CARD, own, networks="{lan: {mode: macvlan, parent: eth1, vlan: 7}}")

    assert "lan" in the_cluster(app).networks


def test_an_uplink_may_be_down_and_in_the_open_vswitch_that_lxd_put_it_into():
    app = app_on(
        replace(CARD, up=False, master="ovs-system"),
        networks="{up: {mode: physical, parent: eth1}}",
    )

    assert "up" in the_cluster(app).networks


ONE_VLAN = """
lan: {mode: macvlan, parent: eth1, vlan: 7}
up: {mode: physical, parent: eth1, vlan: 7}
"""
SHARED = [
    ("{up: {mode: physical, parent: eth1}, lan: {mode: macvlan, parent: eth1}}", "lan"),
    ("{lan: {mode: macvlan, parent: eth1, vlan: 7}, up: {mode: physical, parent: eth1}}", "lan"),
    (ONE_VLAN, "lan"),
]


@pytest.mark.parametrize(("networks", "other"), SHARED, ids=str)
def test_an_uplink_shares_its_interface_with_no_other_network(networks: str, other: str):
    app = app_on(CARD, networks=networks)

    unit_statuses = statuses(app)
    assert unit_statuses["lxd/1"] == f"blocked: eth1 is used by {other}: name another for up"
    assert "up" not in the_cluster(app).networks


@pytest.mark.parametrize("mode", ["macvlan", "physical"])
def test_networks_on_vlans_share_an_interface(mode: str):
    """Later LXDs refuse it: see `test_two_uplinks_on_one_interface_are_for_lxd_to_allow`."""
    app = app_on(
        CARD,
        generation="5.0",
        networks=f"{{lan: {{mode: {mode}, parent: eth1, vlan: 7}},"
        " up: {mode: physical, parent: eth1, vlan: 8}}",
    )

    assert {"lan", "up"} <= set(the_cluster(app).networks)


def test_networks_without_an_uplink_share_an_interface():
    app = app_on(
        CARD, networks="{a1: {mode: macvlan, parent: eth1}, b1: {mode: sriov, parent: eth1}}"
    )

    assert {"a1", "b1"} <= set(the_cluster(app).networks)


BRIDGES: list[tuple[Interface, dict[str, Any], str]] = [
    (replace(TRUNK, up=False), {}, "is not up"),
    (replace(TRUNK, mtu=1400), {"network_mtu": 1450}, "has an MTU of 1400"),
]


@pytest.mark.parametrize(("bridge", "options", "why"), BRIDGES, ids=str)
def test_a_bridge_that_cannot_serve_is_not_changed_for_another(
    bridge: Interface, options: dict[str, Any], why: str
):
    app = app_on(
        bridge,
        replace(TRUNK, name="br1"),
        good=TRUNK,
        network_mode="flat",
        network_parent="br*",
        **options,
    )

    assert statuses(app)["lxd/2"] == f"blocked: br0 {why}: name another for lxdbr0"
    assert nic(app) == {"network": "lxdbr0"}


TUNNELS: list[tuple[dict[str, Any], Interface, str]] = [
    ({"network_parent": "eth1"}, CARD, "eth1 has no IPv4 address: name another for net0"),
    ({"network_parent": "eth1"}, SIX, "eth1 has no IPv4 address: name another for net0"),
    (
        {"network_parent": "eth1", "vxlan_group": "ff05::7"},
        WIRED,
        "eth1 has no IPv6 address: name another for net0",
    ),
    (
        {"network_parent": "eth1"},
        replace(WIRED, mtu=1430),
        "eth1 has an MTU of 1430: name another for net0",
    ),
    (
        {"network_parent": "eth1", "network_mtu": 1460},
        replace(WIRED, mtu=1500),
        "eth1 has an MTU of 1500: name another for net0",
    ),
    ({"network_parent": "eth1"}, replace(WIRED, up=False), "eth1 is not up: name another for net0"),
    ({}, SIX, "no IPv4 default route: set network-parent for net0"),
    ({}, replace(WIRED, mtu=1430), "eth1 has an MTU of 1430: set network-parent for net0"),
]


@pytest.mark.parametrize(("options", "interface", "why"), TUNNELS, ids=str)
def test_a_tunnel_needs_an_address_of_its_family_and_room(
    options: dict[str, Any], interface: Interface, why: str
):
    both = replace(WIRED, subnets=(*WIRED.subnets, *SIX.subnets), mtu=9000)

    app = app_on(
        interface, good=both, **{"network_mode": "vxlan", "network_name": "net0", **options}
    )

    assert statuses(app)["lxd/2"] == f"blocked: {why}"
    assert "net0" not in the_cluster(app).networks


def test_a_joining_unit_is_asked_the_same():
    app = app_on(WIRED, good=WIRED, network_mode="vxlan", network_name="net0")

    app.add(3).machine.interfaces_ = [SIX]
    app.settle()

    assert statuses(app)["lxd/3"] == "blocked: no IPv4 default route: set network-parent for net0"


def of_family(six: bool) -> ModelApp:
    """Two members that reach one another only by that family."""
    app = ModelApp()
    for number in range(2):
        unit = app.add(number)
        address = f"2001:db8::{number + 1}" if six else f"10.0.0.{number + 1}"
        unit.address = unit.server.address = address
        unit.machine.interfaces_ = [replace(SIX if six else WIRED)]
    app.settle()
    return app


@pytest.mark.parametrize(("six", "begins"), [(False, "239."), (True, "ff15::")])
@pytest.mark.parametrize("group", ["auto", "none"])
def test_the_tunnel_is_of_the_family_of_the_members(six: bool, begins: str, group: str):
    app = of_family(six)

    changed(
        app,
        network_mode="vxlan",
        network_name="net0",
        network_parent="eth1",
        vxlan_group=group,
    )

    assert network(app, "net0")["tunnel.lxd.group"].startswith(begins)


FANS: list[tuple[Interface, Bound, str]] = [
    (SIX, Bound(), "fan: no IPv4 default route: bind network to a space with IPv4"),
    (SIX, Bound("eth1", "2001:db8::/64"), "fan: the binding network has no IPv4 subnet"),
    (SIX, Bound("eth1", "192.0.2.0/24"), "fan: no address in 192.0.2.0/24 here"),
    (
        replace(WIRED, subnets=("10.0.7.5/12",)),
        Bound("eth0", "10.0.0.0/12"),
        "fan: 10.0.0.0/12 is not a /16 or /24: set fan.underlay_subnet",
    ),
    (
        replace(WIRED, subnets=("10.20.0.5/22",), defaults=frozenset({4})),
        Bound(),
        "fan: 10.20.0.0/22 is not a /16 or /24: set fan.underlay_subnet",
    ),
    (
        replace(WIRED, subnets=("10.20.1.5/22", "10.20.8.5/22")),
        Bound("eth0", "10.20.0.0/22"),
        "fan: eth1 is in 10.20.0.0/16, too (10.20.8.5): bind network elsewhere",
    ),
]


@pytest.mark.parametrize(("interface", "bound", "why"), FANS, ids=str)
def test_a_fan_needs_an_address_of_its_underlay(interface: Interface, bound: Bound, why: str):
    app = formed(2)
    app.bound = bound
    for unit in app.units.values():
        unit.machine.interfaces_ = [interface]

    changed(app, network_mode="fan", network_name="fan0")

    assert statuses(app)["lxd/1"] == f"blocked: {why}"


UNDERLAYS = [
    ("10.20.0.0/22", "", "10.20.0.0/16"),
    ("10.20.1.0/24", "", "10.20.1.0/24"),
    ("10.20.1.0/28", "", "10.20.1.0/24"),
    ("10.20.0.0/22", "10.20.1.0/24", "10.20.1.0/24"),
]


@pytest.mark.parametrize(("bound", "chosen", "underlay"), UNDERLAYS)
def test_a_fan_is_over_a_subnet_of_a_size_that_lxd_takes(bound: str, chosen: str, underlay: str):
    """LXD refuses any other: microcloud issue 38, lxd issue 8456."""
    app = formed(2)
    app.bound = Bound("eth0", bound)
    for unit in app.units.values():
        size = bound.rpartition("/")[2]
        unit.machine.interfaces_ = [replace(WIRED, subnets=(f"10.20.1.5/{size}",))]
    config = f"fan.underlay_subnet: {chosen}" if chosen else ""

    changed(app, network_mode="fan", network_name="fan0", network_config=config)

    assert network(app, "fan0")["fan.underlay_subnet"] == underlay


def test_an_underlay_that_no_machine_is_in_is_refused():
    app = formed(2)
    app.bound = Bound("eth0", "10.20.0.0/16")
    for unit in app.units.values():
        unit.machine.interfaces_ = [replace(WIRED, subnets=("10.20.1.5/16",))]
    changed(app, network_mode="fan", network_name="fan0")

    changed(app, network_config="fan.underlay_subnet: 10.9.0.0/16")

    assert statuses(app)["lxd/1"] == "blocked: fan: no address in 10.9.0.0/16 here"
    assert network(app, "fan0")["fan.underlay_subnet"] == "10.20.0.0/16"


def test_a_fan_s_overlay_must_hold_its_underlay():
    app = formed(2)
    app.bound = Bound("eth0", "10.20.0.0/16")
    for unit in app.units.values():
        unit.machine.interfaces_ = [replace(WIRED, subnets=("10.20.1.5/16",))]

    changed(app, network_mode="fan", network_name="fan0", network_ipv4="250.1.0.0/16")

    why = "fan: ipv4=250.1.0.0/16 is too small over 10.20.0.0/16: choose a /8"
    assert statuses(app)["lxd/1"] == f"blocked: {why}"


@pytest.mark.parametrize("chosen", ["nonsense", "fd00::/64"])
def test_an_underlay_that_is_not_of_ipv4_is_lxd_s_to_refuse(chosen: str):
    config = f"fan.underlay_subnet: '{chosen}'"
    app = formed(2)
    app.bound = Bound("eth0", "10.20.0.0/16")

    changed(app, network_mode="fan", network_name="fan0", network_config=config)

    status = str(app.hook("lxd/0").status)
    assert status.startswith("blocked: could not create the fan network fan0")
    assert "fan0" not in the_cluster(app).networks


ENCAPSULATION = [
    (None, "Open vSwitch has no ovn-encap-ip here: relate ovn-chassis to OVN"),
    ('"192.0.2.5"', ""),
    ('"192.0.2.77"', "ovn-encap-ip=192.0.2.77: no address of this machine"),
    ('"192.0.2.77,192.0.2.5"', ""),
    ("x", "ovn-encap-ip=x: no address of this machine"),
]


@pytest.mark.parametrize(("encap_ip", "missing"), ENCAPSULATION)
def test_ovn_tunnels_go_by_an_address_of_the_machine(
    monkeypatch: pytest.MonkeyPatch, encap_ip: str | None, missing: str
):
    def answers(*command: Any) -> str | None:
        return encap_ip if command[-1] == "external_ids:ovn-encap-ip" else "x"

    monkeypatch.setattr(capabilities, "_run", answers)
    monkeypatch.setattr(capabilities, "_TOOLS", (capabilities.Path(__file__),))
    monkeypatch.setattr(capabilities.sockets, "is_here", "192.0.2.5".__eq__)

    assert capabilities.missing("ovn") == missing


def link(name: str, **more: Any) -> dict[str, Any]:
    return {"ifname": name, "mtu": 1500, "flags": ["BROADCAST", "UP", "LOWER_UP"], **more}


LINKS = [
    link("eth1", flags=["BROADCAST"]),
    link("eth2", master="br0", linkinfo={"info_slave_kind": "bridge"}),
    link("eth3", master="red", linkinfo={"info_slave_kind": "vrf"}),
    link("eth4", mtu=9000),
]
ROUTES = [
    {"dst": "default", "dev": "eth4"},
    {"dst": "default", "dev": "eth1", "gateway": "10.1.0.1"},
]


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> dict[str, Interface]:
    def run(*command: str) -> str:
        if "address" in command:
            return json.dumps(LINKS)
        return json.dumps(ROUTES if "-4" in command else [])

    monkeypatch.setattr(interfaces, "run", run)
    monkeypatch.setattr(interfaces, "_ovs_bridges", frozenset)
    return {i.name: i for i in interfaces.read()}


def test_what_the_kernel_says_of_an_interface(found: dict[str, Interface]):
    assert [i.up for i in found.values()] == [False, True, True, True]
    assert [i.master for i in found.values()] == ["", "br0", "", ""]
    assert found["eth4"].mtu == 9000
    assert found["eth4"].defaults == found["eth1"].defaults == {4}
    assert found["eth2"].defaults == frozenset()
