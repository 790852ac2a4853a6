# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Changes of a network that would cut off what runs on it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.findings import network, statuses
from tests.unit.model_units import formed
from tests.unit.scenarios import (
    api,
    changed,
    with_instance,
)

CUTTING: list[tuple[dict[str, Any], str]] = [
    ({"network_ipv4": "10.5.0.1/24"}, "ipv4.address"),
    ({"network_ipv6": "none"}, "ipv6.address"),
    ({"network_config": "{bridge.driver: openvswitch}"}, "bridge.driver"),
    ({"network_config": "{ipv4.dhcp: false}"}, "ipv4.dhcp"),
    ({"network_config": "{ipv6.dhcp: 'off'}"}, "ipv6.dhcp"),
    ({"network_config": "{ipv4.routing: 'No'}"}, "ipv4.routing"),
    ({"network_config": "{ipv6.routing: '0'}"}, "ipv6.routing"),
]


@pytest.mark.parametrize(("options", "key"), CUTTING)
def test_what_runs_on_a_network_is_not_cut_off(options: dict[str, Any], key: str):
    app = with_instance(with_instance(formed(3), "m0", name="c1"), "m1", name="c2")
    before = network(app, "lxdbr0")

    changed(app, **options)

    cut = f"{key} cuts off 2 instances; set network-disruptive=true"
    assert statuses(app)["lxd/0"] == f"blocked: network lxdbr0: {cut}"
    assert network(app, "lxdbr0") == before
    changed(app, network_disruptive=True)
    assert network(app, "lxdbr0") != before


def test_addresses_that_dhcp_gave_are_not_taken_away():
    """LXD neither starts nor changes an instance that has reserved one: `Cannot specify
    "ipv6.address" when DHCP or "ipv6.dhcp.stateful" are disabled`.
    """
    fixed = {"network_ipv6": "fd00:9::1/64", "network_dhcp_ranges": "fd00:9::10-fd00:9::99"}
    app = with_instance(formed(2, **fixed), "m0")

    changed(app, network_dhcp_ranges="")

    cut = "dhcp.stateful cuts off 1 instance; set network-disruptive=true"
    assert statuses(app)["lxd/0"] == f"blocked: network lxdbr0: {cut}"
    assert network(app, "lxdbr0")["ipv6.dhcp.stateful"] == "true"
    changed(app, network_disruptive=True)
    assert "ipv6.dhcp.stateful" not in network(app, "lxdbr0")


def test_stateful_dhcp_that_an_operator_turned_on_stays_while_instances_use_it():
    app = with_instance(formed(2), "m0")
    api(app).networks.update("lxdbr0", {"ipv6.dhcp.stateful": "true"}, {})

    app.settle()

    assert network(app, "lxdbr0")["ipv6.dhcp.stateful"] == "true"
    changed(app, network_config="{ipv6.dhcp.stateful: true}")
    assert statuses(app)["lxd/0"] == "active: member m0, voter"


@pytest.mark.parametrize("key", ["ipv4.dhcp", "ipv6.dhcp", "ipv4.routing", "ipv6.routing"])
def test_what_only_serves_instances_is_turned_on(key: str):
    app = with_instance(changed(formed(1), network_config=f"{{{key}: false}}"), "m0")

    changed(app, network_config=f"{{{key}: true}}")
    assert network(app, "lxdbr0")[key] == "true"
    changed(app, network_config="")
    assert key not in network(app, "lxdbr0")


def test_a_vxlan_network_s_own_dhcp_is_restored_beside_instances():
    app = with_instance(formed(2, network_mode="vxlan"), "m0")
    assert network(app, "lxdbr0")["ipv4.dhcp"] == "false"

    api(app).networks.update("lxdbr0", {"ipv4.dhcp": ""}, {})
    app.settle()

    assert network(app, "lxdbr0")["ipv4.dhcp"] == "false"


def test_what_cuts_nobody_off_is_applied():
    app = with_instance(formed(3), "m0")

    changed(app, network_nat=False, network_mtu=1400, network_domain="lan.example")

    config = network(app, "lxdbr0")
    kept = {k: config[k] for k in ("ipv4.nat", "bridge.mtu", "dns.domain")}
    assert kept == {"ipv4.nat": "false", "bridge.mtu": "1400", "dns.domain": "lan.example"}
