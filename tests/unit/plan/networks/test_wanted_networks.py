# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The names of the wanted networks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from modes import MARK, MODES
from plan.networks.wanted_networks import default, mode_of
from state.cluster import Network
from tests.lxd_model.generations import NAMES
from tests.unit.findings import network, nic, preview_of, statuses
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import ETH1, api, changed, on_machines, the_cluster
from values.wanted_network import WantedNetwork


def bridge(name: str, **config: str) -> Network:
    return Network(name, "bridge", "Created", config, frozenset())


def used(network: Network) -> Network:
    """The default profile uses it."""
    return replace(network, used_by=frozenset({"/1.0/profiles/default"}))


MARKED = {"user.lxd-cluster.mode": "vxlan"}
CALLED = [
    ("bridge", (), "lxdbr0"),
    ("bridge", (bridge("lxdbr0"),), "lxdbr0"),
    ("vxlan", (), "lxdbr0"),
    ("vxlan", (bridge("lxdbr0"),), "lxdbr0vxlan"),
    ("vxlan", (bridge("lxdbr0", **MARKED),), "lxdbr0"),
    ("bridge", (bridge("lxdbr0", **MARKED),), "lxdbrbridge"),
    ("macvlan", (bridge("lxdbr0"),), "lxdbmacvlan"),
    ("vxlan", (bridge("lxdbr0vxlan", **MARKED),), "lxdbr0vxlan"),
    ("vxlan", (bridge("lxdbr0vxlan"),), "lxdbr0"),
    ("bridge", (bridge("lxdbr0"), bridge("lxdbrbridge")), "lxdbrbridge"),
    ("bridge", (used(bridge("lxdbr0")), bridge("lxdbrbridge")), "lxdbr0"),
    ("flat", (bridge("lxdbr0"),), "lxdbr0"),
    ("none", (bridge("lxdbr0"),), "lxdbr0"),
]


@pytest.mark.parametrize(("mode", "known", "name"), CALLED)
def test_what_the_default_network_is_called(mode: str, known: tuple[Network, ...], name: str):
    assert default(WantedNetwork("lxdbr0", mode), known, ()).name == name


@pytest.mark.parametrize("mode", sorted(MODES))
def test_no_name_is_a_tunnel_of_another(mode: str):
    taken = (Network("lxdbr0", "x", "", {}, frozenset()),)
    long = default(WantedNetwork("lxdbr0", mode), taken, ())

    assert not long.name.startswith("lxdbr0-")
    assert len(long.name) <= 11


def test_a_network_that_another_option_names_is_not_the_default_one():
    made = bridge("lxdbr0vxlan", **MARKED)

    assert default(WantedNetwork("lxdbr0", "vxlan"), (made,), {"lxdbr0vxlan"}).name == "lxdbr0"


@pytest.mark.parametrize("generation", NAMES)
def test_the_default_network_keeps_its_name_after_the_old_one_is_deleted(generation: str):
    app = changed(formed(3, generation), network_mode="vxlan")
    api(app).networks.delete("lxdbr0")

    app.settle()

    assert nic(app) == {"network": "lxdbr0vxlan"}
    assert [network.name for network in api(app).networks.list()] == ["lxdbr0vxlan"]


def test_a_subnet_of_an_option_is_its_own_after_the_old_one_is_deleted():
    app = changed(formed(3), network_mode="vxlan", network_ipv4="10.40.0.1/16")
    api(app).networks.delete("lxdbr0")

    app.settle()

    assert all(status.startswith("active") for status in statuses(app).values())


@pytest.mark.parametrize("generation", NAMES)
def test_a_network_has_the_keys_of_one_option_only(generation: str):
    more = "lxdbr0vxlan: {mode: vxlan, mtu: 1300}"
    app = changed(formed(3, generation), networks=more)

    changed(app, network_mode="vxlan")

    status = "blocked: network-mode=vxlan: networks has lxdbr0vxlan; set network-name"
    assert statuses(app)["lxd/0"] == status
    assert not app.plan("lxd/0").steps
    assert preview_of(app, "lxd/0") == []
    assert network(app, "lxdbr0vxlan")["bridge.mtu"] == "1300"
    assert nic(app) == {"network": "lxdbr0"}

    changed(app, network_name="seg0")

    assert nic(app) == {"network": "seg0"}


KEYS: list[tuple[dict[str, str], str]] = [
    ({}, "bridge"),
    ({"user.lxd-cluster.mode": "vxlan"}, "vxlan"),
    ({"tunnel.lxd.protocol": "vxlan"}, "vxlan"),
    ({"tunnel.mine.protocol": "vxlan"}, "bridge"),
    ({"bridge.mode": "fan", "fan.underlay_subnet": "auto"}, "fan"),
]


@pytest.mark.parametrize(("config", "mode"), KEYS)
def test_the_mode_of_a_bridge_is_seen_by_its_keys(config: dict[str, str], mode: str):
    bridge = Network("lan", "bridge", "Created", config, frozenset())

    assert mode_of(bridge) == mode


def test_the_mark_of_a_network_that_somebody_removed_is_set_back():
    app = changed(on_machines(formed(3), ETH1), network_mode="vxlan")
    name = nic(app)["network"]
    api(app).networks.update(name, {MARK: ""}, {})

    app.settle()

    assert the_cluster(app).networks[name].config[MARK] == "vxlan"
    assert str(app.plan("lxd/0").status) == "active: member m0, voter"


def two_networks_with_one_short_name() -> ModelApp:
    """`lxdbr0` and `lxdbr1` are both lxdbmacvlan if a bridge has the name."""
    app = on_machines(formed(3), ETH1)
    changed(app, network_mode="macvlan", network_parent="eth1")
    assert nic(app)["network"] == "lxdbmacvlan"
    return changed(app, network_name="lxdbr1")


def test_another_name_makes_another_network_after_a_change_of_the_mode():
    app = two_networks_with_one_short_name()

    assert nic(app)["network"] == "lxdbr1"


def test_the_name_from_before_is_that_of_the_network_from_before():
    app = two_networks_with_one_short_name()

    changed(app, network_name="lxdbr0")

    assert nic(app)["network"] == "lxdbmacvlan"


def test_a_network_that_an_older_charm_made_is_of_the_name_in_the_option():
    """It has no key for its name."""
    known = (bridge("lxdbr0"), Network("lxdbmacvlan", "macvlan", "Created", {}, frozenset()))

    assert default(WantedNetwork("lxdbr0", "macvlan"), known, ()).name == "lxdbmacvlan"
