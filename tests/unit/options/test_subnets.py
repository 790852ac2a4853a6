# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Options of networks that are valid alone and not together; subnets that are already in use."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from host import interfaces
from options.options import Options, explain
from tests.unit.findings import network, statuses
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import ADDRESSED, api, changed, names
from values.interface import Interface
from values.status import blocked

RANGES = "10.10.0.50-10.10.0.99"
TEN: dict[str, Any] = {"network_ipv4": "10.10.0.1/24"}

REFUSED: list[tuple[dict[str, Any], str]] = [
    (TEN | {"network_dhcp_ranges": "10.99.0.5-10.99.0.9"}, "not in network-ipv4=10.10.0.1/24"),
    (TEN | {"network_dhcp_ranges": "10.10.0.90-10.10.1.9"}, "not in network-ipv4=10.10.0.1/24"),
    (TEN | {"network_dhcp_ranges": "10.10.0.9-10.10.0.255"}, "not in network-ipv4=10.10.0.1/24"),
    (TEN | {"network_dhcp_ranges": "10.10.0.1-10.10.0.9"}, "not in network-ipv4=10.10.0.1/24"),
    (
        TEN | {"network_dhcp_ranges": f"{RANGES} fd00::5-fd00::9"} | {"network_ipv6": "none"},
        "network-ipv6",
    ),
    (
        {"networks": "{lan: {mode: bridge, ipv4: 10.1.0.1/24, dhcp-ranges: 10.2.0.5-10.2.0.9}}"},
        "lan: dhcp",
    ),
    (
        {"networks": "{up: {mode: bridge, ipv4: 10.1.0.1/24, ranges: 10.2.0.5-10.2.0.9}}"},
        "up: ranges",
    ),
    (
        {
            "networks": "{up: {mode: physical, parent: br0, gateway: 10.1.0.1/24,"
            " ranges: 10.2.0.5-10.2.0.9}}"
        },
        "not in its gateway's subnet",
    ),
    (
        {
            "networks": "{up: {mode: bridge, ipv4: 10.1.0.1/24, dhcp-ranges: 10.1.0.5-10.1.0.9,"
            " ranges: 10.1.0.8-10.1.0.9}}"
        },
        "in dhcp-ranges and in ranges",
    ),
    (
        {"networks": "{up: {mode: bridge, ipv4: 10.1.0.1/24, ranges: 10.1.0.8-10.1.0.9}}"},
        "up: ranges need dhcp-ranges beside them",
    ),
    (
        {
            "networks": "{up: {mode: bridge, ipv6: 'fd00::1/64', dhcp-ranges: fd00::2-fd00::9,"
            " ranges: 10.1.0.8-10.1.0.9}}"
        },
        "up: ranges need dhcp-ranges beside them",
    ),
    ({"network_mode": "vxlan", "network_ipv4": "10.1.0.1/28"}, "vxlan needs /26 or wider"),
    ({"networks": "{seg: {mode: vxlan, ipv4: 10.1.0.1/27}}"}, "vxlan needs /26 or wider"),
    (
        TEN | {"networks": "{lan: {mode: bridge, ipv4: 10.10.0.129/25}}"},
        "lxdbr0 and lan have the same",
    ),
    (
        {"networks": "{a0: {mode: bridge, ipv6: 'fd0::1/64'}, b0: {mode: ovn, ipv6: 'fd0::2/64'}}"},
        "a0 and b0 have the same subnet",
    ),
]


@pytest.mark.parametrize(("options", "why"), REFUSED, ids=lambda v: str(v)[-40:])
def test_what_does_not_fit_together_is_refused(options: dict[str, Any], why: str):
    with pytest.raises(ValidationError) as refused:
        Options(**options)

    assert why in explain(refused.value)


FITTING: list[dict[str, Any]] = [
    {"network_mode": "vxlan", "network_ipv4": "10.1.0.1/26"},
    {"network_ipv4": "10.1.0.1/28", "networks": "{seg: {mode: vxlan, ipv4: 10.2.0.1/26}}"},
    TEN | {"network_dhcp_ranges": f"{RANGES} 10.10.0.2-10.10.0.9"},
    {"network_dhcp_ranges": RANGES},
    TEN | {"network_mode": "vxlan", "network_dhcp_ranges": "10.99.0.5-10.99.0.9"},
    {"networks": "{up: {mode: physical, parent: br0, ranges: 10.2.0.5-10.2.0.9}}"},
    {
        "networks": "{up: {mode: bridge, ipv4: 10.1.0.1/24, dhcp-ranges: 10.1.0.2-10.1.0.7,"
        " ranges: 10.1.0.8-10.1.0.9}}"
    },
    {
        "networks": "{up: {mode: bridge, ipv4: 10.1.0.1/24, ranges: 10.1.0.8-10.1.0.9,"
        " config: {ipv4.dhcp: false}}}"
    },
    {"networks": "{up: {mode: bridge, ipv6: 'fd00::1/64', ranges: fd00::8-fd00::9}}"},
    TEN | {"network_mode": "macvlan", "networks": "{lan: {mode: bridge, ipv4: 10.10.0.1/24}}"},
]


@pytest.mark.parametrize("options", FITTING, ids=str)
def test_what_fits_is_taken(options: dict[str, Any]):
    assert Options(**options)


def test_a_new_subnet_does_not_keep_the_ranges_of_the_old_one():
    app = changed(formed(1), **TEN, network_dhcp_ranges=RANGES)

    with pytest.raises(ValidationError):
        changed(app, network_ipv4="10.20.0.1/24")


@pytest.mark.parametrize("made", [True, False])
def test_ranges_fit_the_subnet_that_lxd_chose(made: bool):
    app = formed(1) if made else ModelApp()
    if not made:
        app.add(0)
    changed(app, network_dhcp_ranges=RANGES)

    status = f"blocked: network lxdbr0: {RANGES} is not in its subnet; set its ipv4"
    assert statuses(app)["lxd/0"] == status
    if made:
        changed(app, network_dhcp_ranges="10.0.0.50-10.0.0.99")
        assert network(app, "lxdbr0")["ipv4.dhcp.ranges"] == "10.0.0.50-10.0.0.99"


def test_a_network_does_not_get_a_subnet_that_another_one_has():
    app = changed(formed(1), networks="{lan: {mode: bridge, ipv4: 10.30.0.1/24}}")
    del app.options["networks"]

    changed(app, network_ipv4="10.30.0.5/24")

    assert (
        statuses(app)["lxd/0"] == "blocked: network-ipv4=10.30.0.0/24 overlaps lan: choose another"
    )


TAKERS = [
    (Interface("eth1", subnets=("10.0.0.77/24",)), "10.0.0.0/24 of eth1"),
    (Interface("eth1", routes=("10.0.0.128/25",)), "10.0.0.128/25 by eth1"),
    (Interface("eth1", routes=("10.0.0.0/8",)), ""),
]


@pytest.mark.parametrize(("interface", "what"), TAKERS, ids=lambda v: str(v)[-30:])
def test_a_joiner_that_has_the_subnet_that_lxd_chose_stays_outside(interface: Interface, what: str):
    app = formed(2)
    assert network(app, "lxdbr0")["ipv4.address"] == "10.0.0.1/24"
    app.add(2).machine.interfaces_ = [replace(ADDRESSED, subnets=("10.5.0.3/24",)), interface]
    app.settle()

    status = str(app.plan("lxd/2").status)
    expected = f"blocked: network lxdbr0: 10.0.0.0/24 overlaps {what}: set network-ipv4"
    assert (status == expected) == bool(what)
    assert ("m2" in names(app)) == (not what)


def set_by_hand(app: ModelApp, network: str) -> None:
    """The operator gives the network this subnet with `lxc`."""
    api(app).networks.update(network, {"ipv4.address": "10.66.0.1/24"}, {})


JOINERS: list[tuple[dict[str, Any], str, str]] = [
    (
        {"networks": "{n1: bridge}"},
        "n1",
        "network n1: 10.66.0.0/24 overlaps 10.66.0.0/24 of eth1: set ipv4 in networks",
    ),
    (
        {"networks": ""},
        "hand",
        "10.66.0.0/24 of eth1 overlaps hand: lxc network set hand ipv4.address=CIDR",
    ),
    (
        {"network_mode": "macvlan", "network_parent": "eth0"},
        "lxdbr0",
        "10.66.0.0/24 of eth1 overlaps lxdbr0: lxc network set lxdbr0 ipv4.address=CIDR",
    ),
    (
        {"network_mode": "vxlan"},
        "lxdbr0",
        "10.66.0.0/24 of eth1 overlaps lxdbr0: lxc network set lxdbr0 ipv4.address=CIDR",
    ),
    (
        {"network_mode": "vxlan"},
        "lxdbr0vxlan",
        "network lxdbr0vxlan: 10.66.0.0/24 overlaps 10.66.0.0/24 of eth1: set network-ipv4",
    ),
]


@pytest.mark.parametrize(("options", "name", "reason"), JOINERS, ids=lambda v: str(v)[:30])
def test_a_joiner_in_a_networks_subnet_names_what_changes_that_network(
    options: dict[str, Any], name: str, reason: str
):
    app = formed(2)
    members: dict[str, dict[str, str]] = {member: {} for member in names(app)}
    api(app).networks.create("hand", "bridge", {"ipv4.address": "10.67.0.1/24"}, members)
    for unit in app.units.values():
        unit.machine.interfaces_ = [ADDRESSED]
    changed(app, **options)
    set_by_hand(app, name)
    app.settle()

    eth1 = Interface("eth1", subnets=("10.66.0.5/24",))
    app.add(2).machine.interfaces_ = [replace(ADDRESSED, subnets=("10.5.0.3/24",)), eth1]
    app.settle()

    assert app.plan("lxd/2").status == blocked(reason)
    assert names(app) == ["m0", "m1"]


@pytest.mark.parametrize("own", ["lan", "lan-int"])
def test_a_joiner_has_no_interface_called_like_a_network_that_nobody_asks_for_any_more(own: str):
    app = changed(formed(2), networks="{lan: {mode: bridge, ipv4: none, ipv6: none}}")
    changed(app, networks="")
    app.add(2).machine.interfaces_ = [Interface(own)]
    app.settle()

    status = f"blocked: network lan: this machine has the interface {own}: rename it"
    assert str(app.plan("lxd/2").status) == status


def test_the_routes_of_an_interface_are_known(monkeypatch: pytest.MonkeyPatch):
    links = [
        {
            "ifname": "eth0",
            "addr_info": [{"scope": "global", "local": "10.1.0.5", "prefixlen": 24}],
        }
    ]
    routes = [
        {"dst": "default", "gateway": "10.1.0.1", "dev": "eth0"},
        {"dst": "10.1.0.0/24", "dev": "eth0", "protocol": "kernel"},
        {"dst": "10.2.0.0/16", "gateway": "10.1.0.1", "dev": "eth0"},
        {"dst": "169.254.0.0/16", "dev": "eth0"},
        {"type": "blackhole", "dst": "10.3.0.0/16"},
    ]

    def run(*command: str) -> str:
        if "address" in command:
            return json.dumps(links)
        return json.dumps(routes if "-4" in command else [])

    monkeypatch.setattr(interfaces, "run", run)
    monkeypatch.setattr(interfaces, "_ovs_bridges", frozenset)
    eth0, lo = interfaces.read()

    assert (eth0.routes, eth0.routers) == (("10.2.0.0/16",), ("10.1.0.1/24",))
    assert lo.routes == ("10.3.0.0/16",)
