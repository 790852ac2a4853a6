# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Networks that OVN networks have as their uplink: what of them may change."""

from __future__ import annotations

import pytest

from state.facts import Ovn
from tests.lxd_model.generations import NAMES
from tests.unit.findings import HEALTHY, network, nic, statuses
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import BR0, api, changed, on_machines, the_cluster, with_instance


@pytest.mark.parametrize("generation", NAMES)
def test_an_uplink_keeps_the_next_hop_of_its_networks(generation: str):
    """LXD gives a bridge's new address to none of the routers on it (by source, 5.0 to 6.9)."""
    app = changed(
        formed(3, generation),
        network_dhcp_ranges="10.0.0.2-10.0.0.99",
        network_config="{ipv4.ovn.ranges: 10.0.0.200-10.0.0.250}",
    )
    api(app).networks.create("ov", "ovn", {"network": "lxdbr0"}, {})
    before = network(app, "lxdbr0")

    other = {"network_ipv4": "10.77.0.1/24", "network_dhcp_ranges": "", "network_config": ""}
    changed(app, **other)

    cut = "ipv4.address cuts off 1 network; set network-disruptive=true"
    assert statuses(app)["lxd/0"] == f"blocked: network lxdbr0: {cut}"
    assert network(app, "lxdbr0") == before
    with_instance(app, "m1")
    app.settle()
    cut = "ipv4.address cuts off 2 users; set network-disruptive=true"
    assert statuses(app)["lxd/0"] == f"blocked: network lxdbr0: {cut}"
    changed(app, network_disruptive=True)
    assert network(app, "lxdbr0")["ipv4.address"] == "10.77.0.1/24"


@pytest.mark.parametrize("generation", NAMES)
@pytest.mark.parametrize("router", ["10.1.0.9/24", "10.1.0.1/24 fd00:1::9/64"])
def test_the_router_of_an_uplink_stays_under_its_networks(router: str, generation: str):
    up = "{{up: {{mode: physical, parent: br0, gateway: {}, ranges: 10.1.0.20-10.1.0.30}}}}"
    app = on_machines(formed(3, generation), BR0)
    changed(app, networks=up.format("10.1.0.1/24"))
    api(app).networks.create("ov", "ovn", {"network": "up"}, {})
    before = network(app, "up")

    changed(app, networks=up.format(router))

    key = "ipv6.gateway" if ":" in router else "ipv4.gateway"
    cut = f"{key} cuts off 1 network; set network-disruptive=true"
    assert statuses(app)["lxd/0"] == f"blocked: network up: {cut}"
    assert network(app, "up") == before


UP = (
    "up: {mode: bridge, ipv4: 10.1.0.1/24, ipv6: none, dhcp-ranges: 10.1.0.2-10.1.0.99,"
    " ranges: 10.1.0.100-10.1.0.199}"
)
ON_UP = {
    "network_mode": "ovn",
    "network_name": "ovn0",
    "ovn_uplink": "up",
    "networks": f"{{{UP}}}",
}


def on_uplink(generation: str = "5.21", **options: str) -> ModelApp:
    """An OVN network on an uplink with IPv4 only, as in the page about networks."""
    app = formed(3, generation)
    app.related["ovn"] = Ovn("tcp:10.0.9.1:6641")
    return changed(app, **ON_UP | options)


@pytest.mark.parametrize("generation", NAMES)
def test_a_network_has_no_family_that_its_uplink_lacks(generation: str):
    app = on_uplink(generation)

    config = network(app, "ovn0")
    assert (config["ipv6.address"], "ipv6.nat" in config) == ("none", False)
    assert statuses(app) == HEALTHY


@pytest.mark.parametrize("generation", NAMES)
def test_a_network_on_an_uplink_without_ipv6_can_be_changed(generation: str):
    app = on_uplink(generation)

    changed(app, network_domain="lan.example")

    assert network(app, "ovn0")["dns.domain"] == "lan.example"
    assert statuses(app) == HEALTHY


def test_a_network_stays_as_it_is_when_its_uplink_gets_another_family():
    """LXD gives its router no address of it."""
    app = on_uplink()

    changed(app, networks=f"{{{UP.replace('none', 'fd00:1::1/64')}}}", network_disruptive=True)

    assert network(app, "ovn0")["ipv6.address"] == "none"
    assert statuses(app) == HEALTHY


def with_ipv6_above_its_uplink(generation: str = "5.21") -> ModelApp:
    """An OVN network as LXD makes one without any keys, on an uplink with IPv4 only.

    LXD issue 17247: from 5.21 on LXD refuses every change of it, also of the charm's own keys.
    """
    app = changed(formed(3, generation), networks=f"{{{UP}}}")
    app.related["ovn"] = Ovn("tcp:10.0.9.1:6641")
    config = {"network": "up", "ipv4.address": "auto", "ipv6.address": "auto", "ipv4.nat": "true"}
    api(app).networks.create("ovn0", "ovn", config | {"ipv6.nat": "true"}, {})
    return app


@pytest.mark.parametrize("generation", NAMES)
def test_a_network_that_an_operator_made_is_used_as_it_is(generation: str):
    app = with_ipv6_above_its_uplink(generation)
    before = network(app, "ovn0")

    changed(app, **ON_UP)

    assert str(app.hook("lxd/0").status) == HEALTHY["lxd/0"]
    assert statuses(app) == HEALTHY
    assert network(app, "ovn0") == before
    assert nic(app) == {"network": "ovn0"}


def test_a_network_that_an_older_charm_made_says_what_to_set_before_it_changes():
    app = with_ipv6_above_its_uplink()
    profile = api(app).profiles.default()
    eth0 = {"type": "nic", "name": "eth0", "network": "ovn0"}
    api(app).profiles.set_default({**profile, "devices": {**profile["devices"], "eth0": eth0}})
    changed(app, **ON_UP)
    assert statuses(app) == HEALTHY

    changed(app, network_domain="lan.example")
    status = str(app.hook("lxd/0").status)

    assert status.endswith("no IPv6 uplink; set network-ipv6=none")
    changed(app, network_ipv6="none", network_disruptive=True)
    assert statuses(app) == HEALTHY
    assert network(app, "ovn0")["dns.domain"] == "lan.example"


def test_an_uplink_without_any_address_leaves_the_choice_to_lxd():
    app = on_uplink(networks="{up: {mode: bridge, ipv4: none, ipv6: none}}")

    assert "/" in network(app, "ovn0")["ipv4.address"]


RANGES = {"ipv4.dhcp.ranges": "10.1.0.100-10.1.0.199", "ipv4.ovn.ranges": "10.1.0.2-10.1.0.20"}


def with_routers(ranges: dict[str, str]) -> ModelApp:
    """An operator gave the default bridge these ranges, and put an OVN network on it."""
    app = changed(formed(3), network_ipv4="10.1.0.1/24", network_ipv6="none")
    api(app).networks.update("lxdbr0", ranges, {})
    api(app).networks.create("ov", "ovn", {"network": "lxdbr0", "ipv6.address": "none"}, {})
    return app


@pytest.mark.parametrize(
    ("key", "options"),
    [
        ("ipv4.dhcp.ranges", {}),
        ("ipv4.ovn.ranges", {"network_dhcp_ranges": RANGES["ipv4.dhcp.ranges"]}),
    ],
)
def test_ranges_that_an_operator_gave_an_uplink_stay_under_its_networks(
    key: str, options: dict[str, str]
):
    """As in LXD's guide to OVN: `lxc network set lxdbr0 ipv4.dhcp.ranges=... ipv4.ovn.ranges=...`.

    The routers keep their addresses, which dnsmasq would give to an instance.
    """
    app = with_routers(RANGES)

    changed(app, **options)

    cut = f"{key[5:]} cuts off 1 network; set network-disruptive=true"
    assert statuses(app)["lxd/0"] == f"blocked: network lxdbr0: {cut}"
    assert network(app, "lxdbr0")[key] == RANGES[key]


def test_ranges_in_an_option_that_are_those_of_the_network_cut_off_nothing():
    app = with_routers(RANGES)

    config = f"ipv4.ovn.ranges: {RANGES['ipv4.ovn.ranges']}"
    changed(app, network_dhcp_ranges=RANGES["ipv4.dhcp.ranges"], network_config=config)

    assert statuses(app)["app"] == HEALTHY["app"]


def test_other_ranges_of_a_bridge_without_networks_on_it_are_applied():
    app = with_instance(changed(formed(3), network_ipv4="10.1.0.1/24"), "m0")

    changed(app, network_dhcp_ranges="10.1.0.100-10.1.0.199")

    assert network(app, "lxdbr0")["ipv4.dhcp.ranges"] == "10.1.0.100-10.1.0.199"


@pytest.mark.parametrize("generation", NAMES)
def test_the_vlan_of_an_uplink_in_use_is_lxds_to_keep(generation: str):
    router = "gateway: 10.1.0.1/24, ranges: 10.1.0.5-10.1.0.9"
    up = f"{{{{up: {{{{mode: physical, parent: br0, vlan: {{}}, {router}}}}}}}}}"
    app = on_machines(formed(3, generation), BR0)
    changed(app, networks=up.format(7), network_disruptive=True)
    api(app).networks.create("ov", "ovn", {"network": "up"}, {})

    changed(app, networks=up.format(8))

    kept = "LXD keeps its vlan with 1 network on it: set the option back"
    assert statuses(app)["lxd/0"] == f"blocked: network up: {kept}"
    api(app).networks.delete("ov")
    app.settle()
    assert network(app, "up")["vlan"] == "8"


WITH_V6 = (
    "up: {mode: bridge, ipv4: 10.1.0.1/24, ipv6: 'fd00:1::1/64', dhcp-ranges: 10.1.0.2-10.1.0.99,"
    " ranges: 10.1.0.200-10.1.0.250}"
)
NARROW = "10::/80 is too small: OVN gives out addresses in a /64"


@pytest.mark.parametrize("generation", NAMES)
def test_a_subnet_in_which_ovn_gives_out_no_address_is_refused(generation: str):
    """From 5.21 on LXD refuses it, and names no option."""
    app = changed(formed(3, generation), networks=f"{{{WITH_V6}}}")
    app.related["ovn"] = Ovn("tcp:10.0.9.1:6641")

    changed(app, **ON_UP, network_ipv6="fd00:10::1/80")

    assert statuses(app)["lxd/0"] == f"blocked: network-ipv6=fd00:{NARROW}"
    assert "ovn0" not in the_cluster(app).networks
    changed(app, network_ipv6="fd00:10::1/64")
    assert statuses(app) == HEALTHY
    changed(app, network_ipv6="fd00:10::1/80")
    assert statuses(app)["lxd/0"] == f"blocked: network-ipv6=fd00:{NARROW}"


@pytest.mark.parametrize("key", ["ipv6.dhcp.stateful: true", "ipv6.dhcp: false"])
def test_a_narrow_subnet_whose_addresses_are_not_from_macs_is_taken(key: str):
    app = changed(formed(3), networks=f"{{{WITH_V6}}}")
    app.related["ovn"] = Ovn("tcp:10.0.9.1:6641")

    changed(app, **ON_UP, network_ipv6="fd00:10::1/80", network_config=f"{{{key}}}")

    assert network(app, "ovn0")["ipv6.address"] == "fd00:10::1/80"
