# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Networks that an operator made with `lxc`, and the interfaces of a machine that joins later.

LXD issue 14424: GET networks shows no `parent`, and a join without one is accepted silently.
"""

from __future__ import annotations

import pytest

from tests.lxd_model.generations import NAMES
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import BR0, ENS3, ETH1, api, changed, names, the_cluster
from values.interface import Interface

EXTERNAL = "bridge.external_interfaces"
OWN = Interface("eth0", subnets=("192.0.2.9/24",), defaults=frozenset({4}))


def on_interfaces(app: ModelApp, *interfaces: str) -> ModelApp:
    """Each machine has a first interface with an address, and one of these."""
    for unit, name in zip(app.units.values(), interfaces, strict=True):
        unit.machine.interfaces_ = [OWN, Interface(name)]
    return app


def made(kind: str, *interfaces: str, generation: str = "5.21", key: str = "parent") -> ModelApp:
    """A cluster with a network that its operator made on these interfaces."""
    app = on_interfaces(formed(len(interfaces), generation), *interfaces)
    members = {member: {key: name} for member, name in zip(names(app), interfaces, strict=True)}
    api(app).networks.create("lan", kind, {}, members)
    return app


def joined(app: ModelApp, *interfaces: Interface) -> ModelApp:
    """One more unit, whose machine has these beside its first interface."""
    app.add(len(app.units)).machine.interfaces_ = [OWN, *interfaces]
    app.settle()
    return app


def of_last(app: ModelApp) -> dict[str, str]:
    """The network's own keys on the member that joined last."""
    return dict(the_cluster(app).networks["lan"].members[names(app)[-1]])


def last_status(app: ModelApp) -> str:
    """The status of the unit that was added last."""
    return str(app.plan(list(app.units)[-1]).status)


@pytest.mark.parametrize("generation", NAMES)
@pytest.mark.parametrize("kind", ["macvlan", "physical"])
def test_a_joining_member_has_it_on_the_same_interface(kind: str, generation: str):
    app = joined(made(kind, "eth1", "eth1", generation=generation), ENS3, ETH1)

    assert of_last(app) == {"parent": "eth1"}


def test_a_joining_member_may_have_it_on_the_interface_of_any_member():
    app = joined(made("macvlan", "eth1", "ens3"), ENS3)

    assert of_last(app) == {"parent": "ens3"}


def test_a_unit_without_such_an_interface_says_how_to_name_another():
    app = joined(made("macvlan", "eth1", "eth1"), ENS3)

    assert names(app) == ["m0", "m1"]
    assert last_status(app) == (
        "blocked: network lan: no eth1 here: lxc network set lan user.lxd-cluster.parents=NAME"
    )

    api(app).networks.update("lan", {"user.lxd-cluster.parents": "eth1 ens*"}, {})
    app.settle()

    assert of_last(app) == {"parent": "ens3"}


def test_a_network_of_the_options_is_still_on_the_interface_of_the_binding():
    app = on_interfaces(formed(2), "eth1", "eth1")
    app.bound = app.bound.__class__(interface="eth0", subnet="192.0.2.0/24")
    changed(app, networks="{lan: macvlan}")
    app.add(2).machine.interfaces_ = [OWN, ETH1]
    app.settle()

    assert of_last(app) == {"parent": "eth0"}


@pytest.mark.parametrize("generation", NAMES)
def test_a_joining_members_bridge_has_the_interfaces_of_the_others(generation: str):
    """lxd-ui issue 1315: uplinks are bridges with an interface of each member."""
    app = made("bridge", "eth1", "eth1", generation=generation, key=EXTERNAL)

    assert of_last(joined(app, ETH1)) == {EXTERNAL: "eth1"}


def test_an_interface_in_use_is_not_attached():
    app = made("bridge", "eth1", "eth1", key=EXTERNAL)
    port = Interface("eth1", master=BR0.name)

    assert of_last(joined(app, BR0, port)) == {}


def test_on_a_bridge_it_has_one_members_combination_of_interfaces():
    """Both on one bridge would be a loop if they lead to the same switch."""
    app = joined(made("bridge", "eth1", "ens3", key=EXTERNAL), ENS3, ETH1)

    assert of_last(app)[EXTERNAL] in ("eth1", "ens3")


def test_on_a_bridge_it_has_all_interfaces_of_one_member():
    app = on_interfaces(formed(2), "eth1", "ens3")
    members = {"m0": {EXTERNAL: "eth1,eth2"}, "m1": {EXTERNAL: "ens3"}}
    api(app).networks.create("lan", "bridge", {}, members)

    joined(app, ENS3, ETH1, Interface("eth2"))

    assert of_last(app) == {EXTERNAL: "eth1,eth2"}


VLANS = (
    ("physical", "eth0", OWN),
    ("macvlan", "eth1", Interface("eth1", master="br0")),
)
"""By mode: an interface that could be its parent only with a VLAN."""


@pytest.mark.parametrize("generation", NAMES)
@pytest.mark.parametrize(("kind", "parent", "interface"), VLANS)
def test_a_vlan_lets_it_use_an_interface_that_is_in_use(
    kind: str, parent: str, interface: Interface, generation: str
):
    app = formed(2, generation)
    for unit in app.units.values():
        unit.machine.interfaces_ = [OWN, interface]
    members = {member: {"parent": parent} for member in names(app)}
    api(app).networks.create("lan", kind, {"vlan": "100"}, members)

    joined(app, interface)

    assert of_last(app) == {"parent": parent}


@pytest.mark.parametrize(("kind", "parent", "interface"), VLANS)
def test_the_vlan_of_an_option_counts_for_a_joining_unit(
    kind: str, parent: str, interface: Interface
):
    app = formed(2)
    for unit in app.units.values():
        unit.machine.interfaces_ = [OWN, interface]
    changed(app, networks=f"{{lan: {{mode: {kind}, parent: {parent}, vlan: 100}}}}")

    joined(app, interface)

    assert of_last(app) == {"parent": parent}
