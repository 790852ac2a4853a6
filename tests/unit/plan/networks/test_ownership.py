# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Networks that an operator made with `lxc`, and that have the name of a wanted one."""

from __future__ import annotations

import pytest

from modes import MARK
from tests.lxd_model.generations import NAMES
from tests.unit.findings import HEALTHY, network, nic, parents, preview_of, statuses
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import ETH1, api, changed, names, on_machines, the_cluster


def without_network(generation: str = "5.21") -> ModelApp:
    """The cluster has no network of the charm."""
    app = changed(formed(3, generation), network_mode="none")
    api(app).networks.delete("lxdbr0")
    return app


def made(app: ModelApp, name: str, kind: str = "bridge", **config: str) -> ModelApp:
    """An operator makes a network on all members."""
    own = {} if kind == "bridge" else {"parent": "eth1"}
    keys = {key.replace("__", "."): value for key, value in config.items()}
    api(app).networks.create(name, kind, keys, dict.fromkeys(names(app), own))
    return app


def by_hand(name: str, key: str) -> str:
    """The status of the coordinator."""
    return f"blocked: network {name} was made by hand: {key} differs; choose another name"


@pytest.mark.parametrize("generation", NAMES)
def test_keys_of_a_network_made_by_hand_are_not_changed(generation: str):
    app = made(without_network(generation), "lxdbr0", ipv4__nat="false", dns__domain="lab.example")
    before = dict(network(app, "lxdbr0"))

    changed(app, network_mode="bridge")

    assert network(app, "lxdbr0") == before
    assert nic(app) == {}
    assert statuses(app)["lxd/0"] == by_hand("lxdbr0", "dns.domain")
    assert preview_of(app, "lxd/1") == [f"refused: {by_hand('lxdbr0', 'dns.domain')[9:]}"]


def test_another_name_helps():
    app = made(without_network(), "lxdbr0", ipv4__nat="false")
    changed(app, network_mode="bridge")

    changed(app, network_name="lxdbr1")

    assert nic(app) == {"network": "lxdbr1"}
    assert network(app, "lxdbr0")["ipv4.nat"] == "false"
    assert statuses(app) == HEALTHY


def test_with_all_of_its_keys_in_the_option_it_becomes_the_charms():
    app = made(without_network(), "lan", ipv4__nat="false", ipv6__nat="false", dns__mode="none")

    changed(app, networks="{lan: {mode: bridge, nat: false, config: {dns.mode: none}}}")
    changed(app, networks="{lan: {mode: bridge, nat: true}}")

    assert network(app, "lan")["ipv4.nat"] == "true"
    assert "dns.mode" not in network(app, "lan")
    assert statuses(app) == HEALTHY


def test_an_operator_can_hand_it_over():
    app = made(without_network(), "lxdbr0", ipv4__nat="false")
    changed(app, network_mode="bridge")

    api(app).networks.update("lxdbr0", {MARK: "bridge"}, {})
    app.settle()

    assert network(app, "lxdbr0")["ipv4.nat"] == "true"
    assert nic(app) == {"network": "lxdbr0"}
    assert statuses(app) == HEALTHY


@pytest.mark.parametrize("generation", NAMES)
@pytest.mark.parametrize("listed", [{}, {"user.lxd-cluster.parents": "eth1"}])
def test_its_interfaces_stay(listed: dict[str, str], generation: str):
    """An operator may have named interfaces for machines that join later."""
    app = made(on_machines(without_network(generation), ETH1), "lan", "macvlan", **listed)

    changed(app, networks="{lan: {mode: macvlan, parent: eth0}}")

    assert set(parents(app, "lan").values()) == {"eth1"}
    assert statuses(app)["lxd/0"] == by_hand("lan", "parent")


def test_a_fan_made_by_hand_is_not_changed():
    fan = {"bridge__mode": "fan", "fan__underlay_subnet": "10.1.0.0/16", "ipv4__nat": "false"}
    app = made(without_network(), "lxdbr0", **fan)

    changed(app, network_mode="fan")

    assert network(app, "lxdbr0")["ipv4.nat"] == "false"


def test_a_network_of_an_earlier_charm_without_a_mark_is_the_charms():
    """It is the default profile's, and its option changes in the command that refreshes."""
    app = formed(3)
    api(app).networks.update("lxdbr0", {MARK: ""}, {})

    changed(app, network_nat=False)

    assert network(app, "lxdbr0")["ipv4.nat"] == "false"
    assert statuses(app) == HEALTHY


def test_other_networks_of_an_earlier_charm_get_their_mark():
    app = changed(formed(3), networks="{quiet: {mode: bridge, nat: false}}")
    api(app).networks.update("quiet", {MARK: ""}, {})
    app.settle()

    changed(app, networks="{quiet: {mode: bridge, mtu: 1400}}")

    assert network(app, "quiet")["bridge.mtu"] == "1400"
    assert the_cluster(app).networks["quiet"].config[MARK] == "bridge"
