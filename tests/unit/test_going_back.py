"""An option that is set and reset leaves LXD as it is where the option was never set."""

from __future__ import annotations

from typing import Any

import pytest

from networks.interface import Interface
from tests.lxd_model.generations import NAMES
from tests.unit.deeds import api, changed, the_cluster
from tests.unit.findings import network, statuses
from tests.unit.model_units import ModelApp, formed

MODES = {
    "bridge": (
        {"network_mtu": 1400},
        {"network_domain": "lan.example"},
        {"network_dhcp_ranges": "10.0.0.10-10.0.0.20"},
        {"network_ipv4": "none"},
        {"network_ipv6": "none"},
        {"network_nat": False},
        {"network_config": "ipv4.dhcp.expiry: 2h"},
    ),
    "vxlan": (
        {"network_mtu": 1400},
        {"network_ipv6": "none"},
        {"network_config": "ipv4.dhcp.expiry: 2h"},
    ),
    "macvlan": (
        {"network_mtu": 1400},
        {"network_vlan": 7},
        {"network_config": "user.a: b"},
    ),
}
NETWORKS = [(mode, options) for mode, changes in MODES.items() for options in changes]


# `auto` keeps a subnet that is there: to change it would cut off what runs.


def started(mode: str, generation: str) -> ModelApp:
    app = formed(3, generation, network_mode=mode, network_parent="eth0")
    for unit in app.units.values():
        unit.machine.interfaces_ = [Interface("eth0", subnets=("192.0.2.5/24",))]
    app.settle()
    return app


def reset(app: ModelApp, options: dict[str, Any]) -> None:
    """The operator takes these options back."""
    for name in options:
        del app.options[name]
    app.settle()


def lxd(app: ModelApp) -> dict[str, Any]:
    """All that the charm sets in LXD, and that options may change."""
    records = the_cluster(app)
    nets = {n.name: (dict(n.config), dict(n.members)) for n in records.networks.values()}
    pools = {p.name: (p.driver, dict(p.config)) for p in records.pools.values()}
    servers = [dict(unit.server.config) for unit in app.units.values()]
    profile = {name: dict(device) for name, device in records.profile.devices.items()}
    return {
        "networks": nets,
        "pools": pools,
        "profile": profile,
        "config": dict(records.config),
        "servers": servers,
        "volumes": sorted(map(str, records.volumes.values())),
        "statuses": statuses(app),
    }


@pytest.mark.parametrize("generation", NAMES)
@pytest.mark.parametrize(("mode", "options"), NETWORKS, ids=str)
def test_of_the_network_nothing_stays(mode: str, options: dict[str, Any], generation: str):
    app = started(mode, generation)
    fresh = lxd(app)

    changed(app, **options)
    assert lxd(app)["networks"] != fresh["networks"]
    reset(app, options)

    assert lxd(app) == fresh


OTHERS: list[dict[str, Any]] = [
    {"cluster_offline_threshold": 60},
    {"images_replicas": 1},
    {"storage_images_volume": "local"},
    {"storage_backups_volume": "local"},
]


@pytest.mark.parametrize("generation", NAMES)
@pytest.mark.parametrize("options", OTHERS, ids=str)
def test_of_storage_and_the_cluster_nothing_stays(options: dict[str, Any], generation: str):
    app = formed(3, generation)
    fresh = lxd(app)

    changed(app, **options)
    assert lxd(app) != fresh
    reset(app, options)

    assert lxd(app) == fresh


@pytest.mark.parametrize("generation", NAMES)
def test_of_a_pools_keys_nothing_stays(generation: str):
    pool = "storage_pools"
    app = formed(3, generation, **{pool: "fast: {backend: dir, config: {user.b: c}}"})
    fresh = lxd(app)

    changed(app, **{pool: "fast: {backend: dir, config: {rsync.bwlimit: 1MB, user.b: d}}"})
    assert lxd(app)["pools"]["fast"][1]["rsync.bwlimit"] == "1MB"
    changed(app, **{pool: "fast: {backend: dir, config: {user.b: c}}"})

    assert lxd(app) == fresh


def test_a_key_that_an_operator_set_by_hand_stays():
    app = started("bridge", "5.21")
    changed(app, network_config="ipv4.dhcp.expiry: 2h")
    api(app).networks.update("lxdbr0", {"user.mine": "x"}, {})

    reset(app, {"network_config": ""})

    assert network(app, "lxdbr0")["user.mine"] == "x"
    assert "ipv4.dhcp.expiry" not in network(app, "lxdbr0")
