# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""An uplink does not take the interface that something else is on, such as an instance's nic."""

from __future__ import annotations

import pytest

from tests.lxd_model import by_hand
from tests.lxd_model.generations import NAMES
from tests.unit.findings import HEALTHY, network, parents, statuses
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import ENS3, ETH1, api, changed, names, server, the_cluster
from values.interface import Interface

ETH2 = Interface("eth2")
TAKEN = "blocked: eth1 is used by default/c1: name another for up"


def with_raw_nic(generation: str = "5.21", **keys: str) -> ModelApp:
    """An instance on the last machine has a nic on the interface itself."""
    app = formed(3, generation)
    for unit in app.units.values():
        unit.machine.interfaces_ = [ETH1, ETH2]
    nic = {"eth0": {"type": "nic", "name": "eth0", "parent": "eth1", **keys}}
    by_hand.launch(server(app, "m2"), "c1", devices=nic, running=False)
    return app


def uplink(parent: str, vlan: int = 0) -> str:
    """The option `networks` with an uplink."""
    tag = f", vlan: {vlan}" if vlan else ""
    return f"{{up: {{mode: physical, parent: '{parent}'{tag}}}}}"


@pytest.mark.parametrize("kind", ["macvlan", "ipvlan", "physical"])
def test_an_uplink_does_not_take_the_interface_of_an_instances_own_nic(kind: str):
    app = changed(with_raw_nic(nictype=kind), networks=uplink("eth1"))

    assert statuses(app)["lxd/0"] == TAKEN
    assert "up" not in the_cluster(app).networks


@pytest.mark.parametrize(
    ("keys", "vlan"),
    [
        ({"nictype": "macvlan", "vlan": "7"}, 0),
        ({"nictype": "macvlan"}, 7),
        ({"nictype": "sriov"}, 0),
    ],
)
def test_a_nic_that_can_be_beside_an_uplink_does_not_prevent_it(keys: dict[str, str], vlan: int):
    app = changed(with_raw_nic(**keys), networks=uplink("eth1", vlan))

    assert "up" in the_cluster(app).networks


@pytest.mark.parametrize("generation", NAMES)
def test_an_existing_uplink_does_not_move_to_it(generation: str):
    """LXD asks for other networks on the interface only (checkParentUse, 5.0 to 6.9)."""
    app = changed(with_raw_nic(generation, nictype="macvlan"), networks=uplink("eth2"))

    changed(app, networks=uplink("eth1"))

    assert statuses(app)["lxd/0"] == TAKEN
    assert set(parents(app, "up").values()) == {"eth2"}
    changed(app, networks=uplink("eth2"))
    assert statuses(app) == HEALTHY


@pytest.mark.parametrize("generation", NAMES)
def test_an_existing_uplink_does_not_move_to_the_interface_of_a_network_made_by_hand(
    generation: str,
):
    """LXD would refuse that on the first member, and the change would stay unfinished."""
    app = changed(with_raw_nic(generation, nictype="sriov"), networks=uplink("eth2"))
    on_eth1 = {member: {"parent": "eth1"} for member in names(app)}
    api(app).networks.create("lan", "macvlan", {}, on_eth1)

    changed(app, networks=uplink("eth1"))

    status = "blocked: eth1 is used by lan: name another for up"
    assert statuses(app)["lxd/0"] == status
    assert network(app, "up")["user.lxd-cluster.parents"] == "eth2"
    assert set(parents(app, "up").values()) == {"eth2"}


def test_an_existing_uplink_on_a_vlan_of_it_keeps_the_vlan():
    """Without the VLAN it would take the whole interface."""
    app = changed(with_raw_nic(nictype="macvlan"), networks=uplink("eth1", 7))

    changed(app, networks=uplink("eth1"))

    assert statuses(app)["lxd/0"] == TAKEN
    assert network(app, "up")["vlan"] == "7"


def test_an_existing_uplink_moves_to_another_vlan_of_it():
    app = changed(with_raw_nic(nictype="macvlan"), networks=uplink("eth1", 7))

    changed(app, networks=uplink("eth1", 8))

    assert network(app, "up")["vlan"] == "8"
    assert statuses(app) == HEALTHY


def test_a_member_whose_card_is_gone_does_not_take_it_for_the_uplink():
    app = changed(with_raw_nic(nictype="macvlan"), networks=uplink("eth2 eth1"))

    app.units["lxd/2"].machine.interfaces_ = [ETH1]
    app.settle()

    assert statuses(app)["lxd/2"] == TAKEN
    assert parents(app, "up")["m2"] == "eth2"


def test_a_member_whose_card_is_gone_takes_one_that_no_nic_is_on():
    app = changed(with_raw_nic(nictype="macvlan"), networks=uplink("eth2 ens3"))

    app.units["lxd/2"].machine.interfaces_ = [ETH1, ENS3]
    app.settle()

    assert parents(app, "up")["m2"] == "ens3"
    assert statuses(app) == HEALTHY
