# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Another interface for an existing network, and the interface of an uplink."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from host import interfaces
from plan.networks.networks import PARENTS
from state.facts import Bound
from tests.lxd_model import by_hand
from tests.lxd_model.cloud import Fault
from tests.lxd_model.generations import NAMES
from tests.unit.findings import network, nic, parents, statuses
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import BR0, ENS3, ETH1, changed, names
from values.interface import Interface


def on_lan(*more: Interface, generation: str = "5.21") -> ModelApp:
    """Three machines with a network on the first card."""
    app = formed(3, generation)
    for unit in app.units.values():
        unit.machine.interfaces_ = [ETH1, *more]
    return changed(app, network_mode="macvlan", network_name="lan0", network_parent="eth1")


def on_lan0(app: ModelApp) -> None:
    """An instance of one member is only on the network."""
    device = {"type": "nic", "name": "eth0", "network": "lan0"}
    by_hand.launch(app.units["lxd/1"].server, "c1", devices={"eth0": device})


@pytest.mark.parametrize("generation", NAMES)
def test_another_interface_is_taken_on_all_members(generation: str):
    app = on_lan(ENS3, generation=generation)

    changed(app, network_parent="ens3")

    assert parents(app, "lan0") == dict.fromkeys(names(app), "ens3")
    assert network(app, "lan0")[PARENTS] == "ens3"
    assert statuses(app)["lxd/0"] == "active: member m0, voter"


def test_another_interface_is_refused_where_it_would_cut_instances_off():
    app = on_lan(ENS3)
    on_lan0(app)

    changed(app, network_parent="ens3")

    status = "blocked: network lan0: parent cuts off 1 instance; set network-disruptive=true"
    assert statuses(app)["lxd/0"] == status
    assert set(parents(app, "lan0").values()) == {"eth1"}
    changed(app, network_disruptive=True)
    assert set(parents(app, "lan0").values()) == {"ens3"}


BACK = [("eth1", "ens3"), ("", "ens3"), ("eth1", "ens3 eth1"), ("eth1", "")]
"""A list of names, and the one that the operator takes back."""


def taken_back(app: ModelApp, before: str, after: str, refused: int) -> ModelApp:
    """The change to another list fails from its PATCH number `refused` on, for one hook."""
    calls: list[str] = []

    def fault(machine: str, call: str) -> Fault:
        calls.extend([call] if call == "PATCH /1.0/networks/NAME" else [])
        return "refuse" if calls[refused - 1 :] else ""

    app.options |= {"network_parent": after}
    for unit in ["lxd/1", "lxd/2"] * 2:
        app.hook(unit)
    app.cloud.fault = fault
    app.hook("lxd/0")
    app.cloud.fault = lambda _machine, _call: ""
    app.options |= {"network_parent": before}
    return app


@pytest.mark.parametrize("generation", NAMES)
@pytest.mark.parametrize("refused", range(1, 6))
@pytest.mark.parametrize(("before", "after"), BACK)
def test_a_change_that_is_taken_back_half_done_is_undone(
    before: str, after: str, refused: int, generation: str
):
    app = on_lan(ENS3, generation=generation)
    app.bound = Bound("eth1" if after else "ens3", "")
    changed(app, network_parent=before)
    kept = parents(app, "lan0"), network(app, "lan0")

    taken_back(app, before, after, refused).settle()

    assert (parents(app, "lan0"), network(app, "lan0")) == kept
    assert statuses(app)["app"] == "active: 3 members, 3 voters"


@pytest.mark.parametrize("generation", NAMES)
@pytest.mark.parametrize("asked", [True, False])
def test_one_that_joins_during_a_change_has_an_interface_of_the_members(
    asked: bool, generation: str
):
    app = taken_back(on_lan(ENS3, generation=generation), "eth1", "ens3", 3)
    assert parents(app, "lan0") == {"m0": "ens3", "m1": "eth1", "m2": "eth1"}
    if not asked:
        changed(app, network_mode="bridge", network_name="lxdbr0", network_parent="")
    app.add(3).machine.interfaces_ = [ETH1]

    app.settle()

    assert parents(app, "lan0")["m3"] == "eth1"
    assert statuses(app)["app"] == "active: 4 members, 3 voters"


def test_a_longer_list_that_means_the_same_interfaces_cuts_nobody_off():
    app = on_lan()
    on_lan0(app)

    changed(app, network_parent="eth1 ens3")
    app.add(3).machine.interfaces_ = [ENS3]
    app.settle()

    assert statuses(app)["lxd/0"] == "active: member m0, voter"
    assert parents(app, "lan0")["m3"] == "ens3"


def test_one_that_joins_takes_no_other_network_s_interface():
    app = formed(3)
    app.bound = Bound("ens3", "")
    for unit in app.units.values():
        unit.machine.interfaces_ = [ETH1, ENS3]
    more = "{other: {mode: macvlan, parent: eth1}}"
    changed(app, network_mode="macvlan", network_name="lan0", networks=more)

    app.add(3).machine.interfaces_ = [ETH1, ENS3]
    app.settle()

    assert parents(app, "lan0")["m3"] == "ens3"
    assert parents(app, "other")["m3"] == "eth1"


def test_an_interface_that_one_machine_lacks_moves_nobody():
    app = on_lan()
    app.units["lxd/1"].machine.interfaces_ = [ETH1, ENS3]

    changed(app, network_parent="ens3")

    assert set(parents(app, "lan0").values()) == {"eth1"}
    assert statuses(app)["lxd/1"] == "active: member m1, voter"
    assert statuses(app)["lxd/2"] == "blocked: network-parent=ens3: not on this machine"


def test_tunnels_go_by_another_interface():
    app = formed(3)
    cards = [replace(card, subnets=("192.0.2.5/24",)) for card in (ETH1, ENS3)]
    for unit in app.units.values():
        unit.machine.interfaces_ = cards
    changed(app, network_mode="vxlan", network_name="net0", network_parent="eth1")
    config = network(app, "net0")
    assert (config["tunnel.lxd.interface"], nic(app)) == ("eth1", {"network": "net0"})

    changed(app, network_parent="ens3")

    changed_to = network(app, "net0")
    assert changed_to["tunnel.lxd.interface"] == "ens3"
    assert changed_to["ipv4.address"] == config["ipv4.address"]


ROUTED = replace(BR0, subnets=("10.1.0.5/24",), routers=("10.1.0.1/24",), resolvers=("10.1.0.2",))
RANGES = "{up: {mode: physical, parent: br0, ranges: 10.1.0.200-10.1.0.250}}"


def test_an_uplink_has_the_router_of_its_interface():
    app = formed(2)
    for unit in app.units.values():
        unit.machine.interfaces_ = [ROUTED]

    changed(app, networks=RANGES)

    config = network(app, "up")
    assert config["ipv4.gateway"] == "10.1.0.1/24"
    assert config["dns.nameservers"] == "10.1.0.2"
    assert config["ipv4.ovn.ranges"] == "10.1.0.200-10.1.0.250"
    # It is chosen once: another router later changes nothing.
    for unit in app.units.values():
        unit.machine.interfaces_ = [BR0]
    app.settle()
    assert network(app, "up") == config


def test_a_router_that_is_named_is_taken():
    app = formed(2)
    for unit in app.units.values():
        unit.machine.interfaces_ = [ROUTED]

    changed(app, networks=RANGES.replace("}}", ", gateway: 10.1.0.9/24, dns: 10.1.0.8}}"))

    config = network(app, "up")
    assert (config["ipv4.gateway"], config["dns.nameservers"]) == ("10.1.0.9/24", "10.1.0.8")


LINKS: list[dict[str, Any]] = [
    {
        "ifname": "br0",
        "linkinfo": {"info_kind": "bridge"},
        "addr_info": [{"scope": "global", "local": "10.1.0.5", "prefixlen": 24}],
    },
    {"ifname": "eth1"},
]
DEFAULT = [
    {"dst": "default", "gateway": "10.1.0.1", "dev": "br0"},
    {"dst": "default", "gateway": "10.1.0.9", "dev": "br0", "metric": 200},
]


def test_the_machine_s_way_out_is_known_by_its_interface(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    def run(*command: str) -> str:
        if "address" in command:
            return json.dumps(LINKS)
        return json.dumps(DEFAULT if "-4" in command else [])

    servers = tmp_path / "resolv.conf"
    servers.write_text("nameserver 127.0.0.53\nnameserver 10.1.0.2\nsearch example\n")
    monkeypatch.setattr(interfaces, "run", run)
    monkeypatch.setattr(interfaces, "_ovs_bridges", frozenset)
    monkeypatch.setattr(interfaces, "_RESOLVERS", (tmp_path / "none", servers))

    assert interfaces.read() == (replace(ROUTED, defaults=frozenset({4})), ETH1)
