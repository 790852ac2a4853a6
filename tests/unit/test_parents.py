"""Another interface for a network that is there, and what carries one that is the way out."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import interfaces
from facts import Bound
from nets import PARENTS
from networks.interface import Interface
from tests.unit.model_units import ModelApp, formed
from tests.unit.test_networks import BR0, ETH1, changed, cluster_of, nic, statuses

ENS3 = Interface("ens3")


def on_lan(*more: Interface) -> ModelApp:
    """Three machines on whose first card a network is."""
    app = formed(3)
    for unit in app.units.values():
        unit.machine.interfaces_ = [ETH1, *more]
    return changed(app, network_mode="macvlan", network_name="lan0", network_parent="eth1")


def parents(app: ModelApp) -> set[str]:
    return set(cluster_of(app).parents["lan0"].values())


def test_another_interface_is_taken_on_all_members():
    app = on_lan(ENS3)

    changed(app, network_parent="ens3")

    assert parents(app) == {"ens3"}
    assert cluster_of(app).networks["lan0"].config[PARENTS] == "ens3"
    assert statuses(app)["lxd/0"] == "active: member m0, voter"


def test_another_interface_is_refused_where_it_would_cut_instances_off():
    app = on_lan(ENS3)
    cluster_of(app).on_networks["lan0"] = ["c1"]

    changed(app, network_parent="ens3")

    told = "blocked: network lan0: parent cuts off 1 instance; set network-disruptive=true"
    assert statuses(app)["lxd/0"] == told
    assert parents(app) == {"eth1"}
    changed(app, network_disruptive=True)
    assert parents(app) == {"ens3"}


def test_a_longer_list_that_means_the_same_interfaces_cuts_nobody_off():
    app = on_lan()
    cluster_of(app).on_networks["lan0"] = ["c1"]

    changed(app, network_parent="eth1 ens3")
    app.add(3).machine.interfaces_ = [ENS3]
    app.settle()

    assert statuses(app)["lxd/0"] == "active: member m0, voter"
    assert app.units["lxd/3"].lxd.answered == {"lan0": "ens3"}


def test_one_that_joins_takes_no_other_network_s_interface():
    app = formed(3)
    app.bound = Bound("ens3", "")
    for unit in app.units.values():
        unit.machine.interfaces_ = [ETH1, ENS3]
    more = "{other: {mode: macvlan, parent: eth1}}"
    changed(app, network_mode="macvlan", network_name="lan0", networks=more)

    app.add(3).machine.interfaces_ = [ETH1, ENS3]
    app.settle()

    assert app.units["lxd/3"].lxd.answered == {"lan0": "ens3", "other": "eth1"}


def test_an_interface_that_one_machine_lacks_moves_nobody():
    app = on_lan()
    app.units["lxd/1"].machine.interfaces_ = [ETH1, ENS3]

    changed(app, network_parent="ens3")

    assert parents(app) == {"eth1"}
    assert statuses(app)["lxd/1"] == "active: member m1, voter"
    assert statuses(app)["lxd/2"] == "blocked: network-parent=ens3: not on this machine"


def test_tunnels_go_by_another_interface():
    app = on_lan(ENS3)
    changed(app, network_mode="vxlan", network_name="net0", network_parent="eth1")
    config = cluster_of(app).networks["net0"].config
    assert (config["tunnel.lxd.interface"], nic(app)) == ("eth1", {"network": "net0"})

    changed(app, network_parent="ens3")

    changed_to = cluster_of(app).networks["net0"].config
    assert changed_to["tunnel.lxd.interface"] == "ens3"
    assert changed_to["ipv4.address"] == config["ipv4.address"]


ROUTED = replace(BR0, subnets=("10.1.0.5/24",), routers=("10.1.0.1/24",), resolvers=("10.1.0.2",))
RANGES = "{up: {mode: physical, parent: br0, ranges: 10.1.0.200-10.1.0.250}}"


def test_an_uplink_has_the_router_of_its_interface():
    app = formed(2)
    for unit in app.units.values():
        unit.machine.interfaces_ = [ROUTED]

    changed(app, networks=RANGES)

    config = cluster_of(app).networks["up"].config
    assert config["ipv4.gateway"] == "10.1.0.1/24"
    assert config["dns.nameservers"] == "10.1.0.2"
    assert config["ipv4.ovn.ranges"] == "10.1.0.200-10.1.0.250"
    # It is chosen once: another router later changes nothing.
    for unit in app.units.values():
        unit.machine.interfaces_ = [BR0]
    app.settle()
    assert cluster_of(app).networks["up"].config == config


def test_a_router_that_is_named_is_taken():
    app = formed(2)
    for unit in app.units.values():
        unit.machine.interfaces_ = [ROUTED]

    changed(app, networks=RANGES.replace("}}", ", gateway: 10.1.0.9/24, dns: 10.1.0.8}}"))

    config = cluster_of(app).networks["up"].config
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
    monkeypatch.setattr(interfaces, "_run", run)
    monkeypatch.setattr(interfaces, "_ovs_bridges", frozenset)
    monkeypatch.setattr(interfaces, "_RESOLVERS", (tmp_path / "none", servers))

    assert interfaces.found() == (ROUTED, ETH1)
