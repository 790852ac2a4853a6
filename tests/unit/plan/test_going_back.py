# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""An option that is set and reset leaves LXD and the machines as if it was never set."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

import modes
from options.options import Options
from state.facts import Bound, Ovn, Proxies
from tests.lxd_model.generations import NAMES
from tests.unit.findings import everything, network
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import api, changed, the_cluster
from values.interface import Interface

ETH0 = Interface(
    "eth0",
    subnets=("192.0.2.5/24", "2001:db8::5/64"),
    defaults=frozenset({4, 6}),
    virtual_functions=8,
    mtu=9000,
)
ETH1 = replace(ETH0, name="eth1", defaults=frozenset(), subnets=("198.51.100.5/24",))
BR0 = Interface(
    "br0",
    bridge=True,
    vlans=True,
    mtu=9000,
    subnets=("10.1.0.5/24", "fd00:1::5/64"),
    routers=("10.1.0.1/24", "fd00:1::1/64"),
    resolvers=("10.1.0.2",),
)
BR1 = replace(BR0, name="br1", subnets=(), routers=(), resolvers=())

UPLINK = "up: {mode: physical, parent: br0, ranges: 10.1.0.200-10.1.0.250%s}"
BRIDGE = "up: {mode: bridge, ipv4: 10.20.0.1/24%s}"
DHCP = "dhcp-ranges: 10.20.0.10-10.20.0.20"
BASES: dict[str, dict[str, Any]] = {
    "bridge": {},
    "vxlan": {"network_mode": "vxlan", "network_parent": "eth0"},
    "unicast": {"network_mode": "vxlan", "vxlan_group": "none"},
    "macvlan": {"network_mode": "macvlan", "network_parent": "eth0"},
    "sriov": {"network_mode": "sriov", "network_parent": "eth0"},
    "flat": {"network_mode": "flat", "network_parent": "br0"},
    "renamed": {"network_name": "br7", "network_ipv4": "10.7.0.1/24"},
    "fan": {"network_mode": "fan"},
    "physical": {"network_mode": "physical", "network_parent": "br0"},
    "ovn": {"network_mode": "ovn", "networks": UPLINK % "", "ovn_uplink": "up"},
    "uplink": {"networks": UPLINK % ""},
    "bridged": {"networks": BRIDGE % ""},
}
"""The state of an application at the beginning."""

CHANGES: dict[str, list[dict[str, Any]]] = {
    "bridge": [
        {"network_mtu": 1400},
        {"network_domain": "lan.example"},
        {"network_dhcp_ranges": "10.0.0.10-10.0.0.20"},
        {"network_ipv4": "none"},
        {"network_ipv6": "none"},
        {"network_nat": False},
        {"network_config": "ipv4.dhcp.expiry: 2h"},
    ],
    "vxlan": [
        {"network_mtu": 1400},
        {"network_ipv4": "none"},
        {"network_ipv6": "none"},
        {"network_domain": "lan.example"},
        {"network_nat": False},
        {"network_config": "ipv4.dhcp.expiry: 2h"},
        {"network_config": "bridge.hwaddr: 02:16:3e:00:00:07"},
        {"network_parent": "eth1"},
        {"vxlan_group": "239.1.2.3"},
        {"vxlan_group": "none"},
    ],
    "unicast": [
        {"vxlan_group": "239.1.2.3"},
        {"vxlan_group": "auto"},
        {"network_parent": "eth1"},
        {"network_ipv4": "none"},
    ],
    "macvlan": [
        {"network_mtu": 1400},
        {"network_vlan": 7},
        {"network_parent": "eth1"},
        {"network_config": "user.a: b"},
    ],
    "sriov": [{"network_mtu": 1400}, {"network_vlan": 7}, {"network_parent": "eth1"}],
    "flat": [{"network_mtu": 1400}, {"network_vlan": 7}, {"network_parent": "br1"}],
    "fan": [
        {"network_mtu": 1400},
        {"network_ipv4": "250.0.0.0/8"},
        {"network_nat": False},
        {"network_config": "fan.underlay_subnet: 198.51.100.0/24"},
        {"network_config": "ipv4.dhcp.expiry: 2h"},
    ],
    "physical": [
        {"network_mtu": 1400},
        {"network_vlan": 7},
        {"network_parent": "br1"},
        {"network_config": "ipv4.gateway: 10.1.0.9/24"},
        {"network_config": "dns.nameservers: 10.1.0.9"},
    ],
    "ovn": [
        {"network_mtu": 1400},
        {"network_domain": "lan.example"},
        {"network_ipv4": "none"},
        {"network_ipv6": "none"},
        {"network_nat": False},
        {"ovn_gateways": "m0 m1"},
        {"ovn_northbound": "tcp:10.0.9.2:6641"},
    ],
    "uplink": [
        {"networks": UPLINK % ", gateway: 10.1.0.9/24"},
        {"networks": UPLINK % ", gateway: 10.1.0.9/24 fd00:1::9/64"},
        {"networks": UPLINK % ", dns: 10.1.0.9"},
        {"networks": UPLINK % ", mtu: 1400"},
        {"networks": UPLINK % ", vlan: 7"},
        {"networks": UPLINK % ", config: {ovn.ingress_mode: routed}"},
        {"networks": (UPLINK % "").replace("-10.1.0.250", "-10.1.0.240")},
        {"networks": (UPLINK % "").replace("br0", "br1")},
    ],
    "bridged": [
        {"networks": BRIDGE % f", {DHCP}, ranges: 10.20.0.100-10.20.0.120"},
        {"networks": BRIDGE % ", mtu: 1400"},
        {"networks": BRIDGE % ", domain: lan.example"},
        {"networks": BRIDGE % f", {DHCP}"},
        {"networks": BRIDGE % ", nat: false"},
    ],
}
NETWORKS = [(base, options) for base, changes in CHANGES.items() for options in changes]


# `auto` keeps an existing subnet: a change would cut off instances.


def started(base: str, generation: str) -> ModelApp:
    """Three members that have had these options from the beginning."""
    app = formed(3, generation)
    app.bound = Bound("eth0", "192.0.2.0/24")
    for unit in app.units.values():
        unit.machine.interfaces_ = [ETH0, ETH1, BR0, BR1]
    app.options |= BASES[base]
    follow_ovn(app)
    return app


def follow_ovn(app: ModelApp) -> None:
    """The charm reads the options' values of OVN, as without a relation."""
    asked = app.options.get("network_mode") == "ovn"
    app.related["ovn"] = (
        Ovn(app.options.get("ovn_northbound", "tcp:10.0.9.1:6641")) if asked else None
    )
    app.settle()


def reset(app: ModelApp, options: dict[str, Any], before: dict[str, Any]) -> None:
    """The operator resets these options."""
    for name in options:
        app.options.pop(name, None)
    app.options |= before
    follow_ovn(app)


@pytest.mark.parametrize("generation", NAMES)
@pytest.mark.parametrize(("base", "options"), NETWORKS, ids=str)
def test_nothing_of_the_network_stays(base: str, options: dict[str, Any], generation: str):
    app = started(base, generation)
    fresh = everything(app)
    assert not [s for s in fresh["statuses"].values() if not s.startswith("active")]

    app.options |= options
    follow_ovn(app)
    assert everything(app) != fresh
    reset(app, options, BASES[base])

    assert everything(app) == fresh


OTHER_MODES = [mode for mode in BASES if mode not in ("bridge", "uplink", "bridged")]


@pytest.mark.parametrize("generation", NAMES)
@pytest.mark.parametrize("base", OTHER_MODES)
def test_the_network_of_another_mode_stays_until_it_is_deleted(base: str, generation: str):
    app = started("bridge", generation)
    fresh = everything(app)

    app.options |= BASES[base]
    follow_ovn(app)
    assert everything(app) != fresh
    reset(app, BASES[base], {})
    left = set(the_cluster(app).networks) - set(fresh["networks"])
    for name in sorted(left, key=lambda name: name == "up"):
        api(app).networks.delete(name)
    app.settle()

    assert everything(app) == fresh


OTHERS: list[dict[str, Any]] = [
    {"cluster_offline_threshold": 60},
    {"images_replicas": 1},
    {"storage_images_volume": "local"},
    {"storage_backups_volume": "local"},
    {"storage_size": "50GiB"},
    {"proxy_http": "http://10.0.9.9:3128"},
    {"proxy_https": "none"},
    {"proxy_ignore_hosts": "example.com"},
    {"network_mode": "none"},
    {"ovn_gateways": "m1"},
]


@pytest.mark.parametrize("generation", NAMES)
@pytest.mark.parametrize("options", OTHERS, ids=str)
def test_nothing_of_storage_and_the_cluster_stays(options: dict[str, Any], generation: str):
    app = formed(3, generation)
    app.proxies = Proxies(https="http://10.0.9.8:3128")
    app.settle()
    fresh = everything(app)

    changed(app, **options)
    assert everything(app) != fresh
    reset(app, options, {})

    assert everything(app) == fresh


IDLE: list[dict[str, Any]] = [
    {"storage_devices": "/dev/vdc"},
    {"ceph_pool": "other"},
    {"ceph_replicas": 2},
    {"cephfs_name": "other"},
    {"network_disruptive": True},
    {"on_remove": "abandon"},
    {"min_voters": 3},
]


@pytest.mark.parametrize("options", IDLE, ids=str)
def test_what_counts_later_changes_nothing_now(options: dict[str, Any]):
    app = formed(3)
    fresh = everything(app)

    changed(app, **options)
    assert everything(app) == fresh
    reset(app, options, {})

    assert everything(app) == fresh


POOLS: list[dict[str, Any]] = [
    {"storage_backend": "dir"},
    {"storage_pool": "other"},
    {"storage_pools": "fast: {backend: btrfs, size: 10GiB}"},
    {"storage_pools": "fast: {backend: btrfs, devices: /dev/vdc}"},
]


@pytest.mark.parametrize("generation", NAMES)
@pytest.mark.parametrize("options", POOLS, ids=str)
def test_a_pool_stays_until_it_is_removed(options: dict[str, Any], generation: str):
    backend = {"storage_backend": "btrfs"}
    app = formed(3, generation, **backend)
    fresh = everything(app)

    changed(app, **options)
    assert everything(app) != fresh
    reset(app, options, backend)
    for name in set(the_cluster(app).pools) - set(fresh["pools"]):
        api(app).pools.delete(name)
    app.settle()

    assert everything(app) == fresh


def test_each_mode_is_tried():
    tried = {base.get("network_mode", "bridge") for base in [*BASES.values(), *OTHERS]}

    assert tried == set(modes.MODES)


def test_the_options_of_each_mode_are_changed():
    changed_modes = {BASES[base].get("network_mode", "bridge") for base in CHANGES}

    assert changed_modes == {mode.name for mode in modes.MODES.values() if mode.words}


@pytest.mark.parametrize("generation", NAMES)
@pytest.mark.parametrize("plain", ["fast: dir", "fast: {backend: dir, config: {user.b: c}}"])
def test_nothing_of_a_pools_keys_stays(plain: str, generation: str):
    pool = "storage_pools"
    app = formed(3, generation, **{pool: plain})
    fresh = everything(app)

    changed(app, **{pool: "fast: {backend: dir, config: {rsync.bwlimit: 1MB, user.b: d}}"})
    assert everything(app)["pools"]["fast"][1]["rsync.bwlimit"] == "1MB"
    changed(app, **{pool: plain})

    assert everything(app) == fresh


@pytest.mark.parametrize("generation", NAMES)
def test_a_network_of_another_name_stays_until_it_is_deleted(generation: str):
    app = formed(3, generation)
    fresh = everything(app)

    changed(app, network_name="lan0")
    reset(app, {"network_name": ""}, {})
    api(app).networks.delete("lan0")
    app.settle()

    assert everything(app) == fresh


SUBNETS = {
    "network_ipv4": ("ipv4.address", "10.9.0.1/24"),
    "network_ipv6": ("ipv6.address", "fd00:9::1/64"),
}


@pytest.mark.parametrize("generation", NAMES)
@pytest.mark.parametrize("option", SUBNETS)
def test_only_the_subnet_itself_stays(option: str, generation: str):
    """A change of it would cut off instances."""
    key, address = SUBNETS[option]
    app = formed(3, generation)
    fresh = everything(app)

    changed(app, **{option: address})
    reset(app, {option: ""}, {})

    fresh["networks"]["lxdbr0"][0][key] = address
    assert everything(app) == fresh


@pytest.mark.parametrize("generation", NAMES)
def test_another_uplink_is_refused_and_leaves_nothing(generation: str):
    app = started("ovn", generation)
    fresh = everything(app)

    app.options["ovn_uplink"] = "lxdbr0"
    follow_ovn(app)
    reset(app, {"ovn_uplink": ""}, BASES["ovn"])

    assert everything(app) == fresh


ALONE = {"network_mode", "network_name", "network_ipv4", "network_ipv6", "ovn_uplink"}
"""Options with a test of their own here."""
NO_NETWORK_NO_STORAGE = {"snap_channel"}


def test_no_option_is_left_out():
    tried = [*(options for _, options in NETWORKS), *OTHERS, *IDLE, *POOLS]
    names = {name for options in tried for name in options} | ALONE | NO_NETWORK_NO_STORAGE

    assert set(Options.model_fields) == names


def test_a_key_that_an_operator_set_by_hand_stays():
    app = started("bridge", "5.21")
    changed(app, network_config="ipv4.dhcp.expiry: 2h")
    api(app).networks.update("lxdbr0", {"user.mine": "x"}, {})

    reset(app, {"network_config": ""}, {})

    assert network(app, "lxdbr0")["user.mine"] == "x"
    assert "ipv4.dhcp.expiry" not in network(app, "lxdbr0")
