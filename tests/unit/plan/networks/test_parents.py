# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The interfaces that members give to a network: what is missing, and what does not fit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.lxd_model.generations import NAMES
from tests.unit.findings import nic, parents, statuses
from tests.unit.model_units import formed
from tests.unit.scenarios import (
    BR0,
    ENS3,
    ETH1,
    changed,
    names,
    on_machines,
    the_cluster,
)

TRUNK = replace(BR0, vlans=True)


@pytest.mark.parametrize("generation", NAMES)
def test_interfaces_have_other_names_on_other_machines(generation: str):
    app = on_machines(formed(3, generation), ETH1, ENS3)

    changed(app, network_mode="macvlan", network_name="lan0", network_parent="eth1 ens*")

    assert parents(app, "lan0") == {"m0": "eth1", "m1": "ens3", "m2": "ens3"}
    assert nic(app) == {"network": "lan0"}
    assert statuses(app)["lxd/2"] == "active: member m2, voter"


def test_one_that_joins_later_says_what_it_is_on():
    app = on_machines(formed(3), ETH1)
    changed(app, network_mode="macvlan", network_name="lan0", network_parent="eth1 ens*")
    # Another network is wanted by now, and the old one still exists.
    changed(app, network_mode="bridge", network_name="lxdbr0", network_parent="")

    app.add(3).machine.interfaces_ = [ENS3]
    app.settle()

    assert parents(app, "lan0")["m3"] == "ens3"


def test_one_without_the_interface_does_not_join():
    app = on_machines(formed(3), ETH1)
    changed(app, network_mode="macvlan", network_name="lan0", network_parent="eth1")

    app.add(3)
    app.settle()

    status = "blocked: network-parent=eth1: not on this machine"
    assert statuses(app)["lxd/3"] == status
    assert names(app) == ["m0", "m1", "m2"]


def test_a_change_waits_for_the_machine_that_lacks_the_interface():
    app = on_machines(formed(3), BR0, BR0, ETH1)

    changed(app, network_mode="flat", network_parent="br0")

    unit_statuses = statuses(app)
    assert unit_statuses["lxd/2"] == "blocked: network-parent=br0: not on this machine"
    assert unit_statuses["lxd/0"] == "blocked: lxd/2: network-parent=br0: not on this machine"
    assert nic(app) == {"network": "lxdbr0"}
    on_machines(app, BR0)
    app.settle()
    assert nic(app) == {"nictype": "bridged", "parent": "br0"}


@pytest.mark.parametrize("leader", ["lxd/0", "lxd/1"])
@pytest.mark.parametrize("mode", ["macvlan", "bridge"])
def test_the_application_says_whose_answer_is_missing(leader: str, mode: str):
    app = on_machines(formed(3), ETH1)
    app.leader = leader
    parent = {"network_parent": "eth1"} if mode == "macvlan" else {}
    app.options |= {"network_mode": mode, "network_name": "lan0", **parent}

    # The agent of lxd/2 is down.
    for _ in range(2):
        app.hook("lxd/0")
        app.hook("lxd/1")

    status = "waiting: for lxd/2 to answer about the network lan0"
    assert str(app.hook(leader).app_status) == status
    app.settle()
    assert str(app.hook(leader).app_status) == "active: 3 members, 3 voters"


def test_a_unit_with_an_older_charm_is_not_awaited_while_the_networks_exist():
    app = formed(3)
    del app.databags["lxd/1"]["clashes"]

    assert str(app.hook("lxd/0").app_status) == "active: 3 members, 3 voters"


def test_the_coordinator_reports_its_own_machine_first():
    app = on_machines(formed(3), ETH1, BR0)

    changed(app, network_mode="flat", network_parent="br0")

    assert statuses(app)["lxd/0"] == "blocked: network-parent=br0: not on this machine"


def test_a_bridge_that_is_none_is_named():
    app = on_machines(formed(3), ETH1)

    changed(app, network_mode="flat", network_parent="eth1")

    status = "blocked: eth1 is not a bridge: name another for lxdbr0"
    assert statuses(app)["lxd/1"] == status


def test_a_flat_network_needs_one_name():
    app = on_machines(formed(3), BR0, replace(BR0, name="br1"))

    changed(app, network_mode="flat", network_parent="br*")

    reason = "flat needs one name on all machines: br0 on lxd/0, br1 on lxd/1"
    assert statuses(app)["lxd/0"] == f"blocked: {reason}"


def test_a_flat_network_has_its_vlan_in_the_profile():
    app = on_machines(formed(3), TRUNK)

    changed(app, network_mode="flat", network_parent="br0", network_vlan=7, network_mtu=9000)

    assert nic(app) == {"nictype": "bridged", "parent": "br0", "vlan": "7", "mtu": "9000"}


def test_a_vlan_needs_a_bridge_that_keeps_vlans_apart():
    app = on_machines(formed(3), TRUNK, BR0)

    changed(app, network_mode="flat", network_parent="br0", network_vlan=7)

    status = "blocked: br0 has vlan_filtering off: name another for lxdbr0"
    assert statuses(app)["lxd/1"] == status
    assert nic(app) == {"network": "lxdbr0"}


@pytest.mark.parametrize("generation", NAMES)
def test_an_uplink_with_a_vlan_leaves_the_machine_its_address(generation: str):
    """LXD makes the VLAN's interface, and takes that one."""
    app = on_machines(formed(3, generation), ETH1)

    changed(app, networks="{up: {mode: physical, parent: eth0, vlan: 100}}")

    assert parents(app, "up") == dict.fromkeys(names(app), "eth0")
    assert statuses(app)["lxd/1"] == "active: member m1, voter"


def test_an_uplink_takes_no_interface_that_the_machine_needs():
    app = on_machines(formed(3), ETH1)

    changed(app, networks="{up: {mode: physical, parent: eth0}}")

    status = "blocked: eth0 has the address 192.0.2.1: the machine needs it: name another for up"
    assert statuses(app)["lxd/1"] == status
    assert "up" not in the_cluster(app).networks
