# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""juju-facts: bindings in spaces without subnets, and host names among addresses."""

from __future__ import annotations

import pytest

from lab.model.rules import Rules
from lab.model.state import Interface
from lab.testing.world import World, charm

REFUSED = 'cannot use space "alpha" as deployment target: no subnets'


def maas(rules: Rules = "4.0") -> World:
    """A MAAS whose spaces have names: alpha has no subnet."""
    world = World(rules)
    world.state.model.spaces.append("storage")
    world.state.model.spaces_without_subnets = ["alpha"]
    return world


@pytest.mark.parametrize("rules", ["3.6", "4.0"])
def test_exceptions_alone_leave_a_machine_that_cannot_be_made(rules: Rules):
    world = maas(rules)
    bindings = {"peers": "storage", "public": "internal"}
    world.juju.deploy(world.now, charm(), "app", 1, bindings=bindings)

    assert world.juju.machines_to_start() == []
    machine = world.juju.status(world.now)["machines"]["0"]
    assert machine["machine-status"]["current"] == "provisioning error"
    assert machine["machine-status"]["message"] == REFUSED


@pytest.mark.parametrize(
    "bindings",
    [
        pytest.param({"": "internal", "peers": "storage"}, id="a default and the exceptions"),
        pytest.param({}, id="all of them in alpha: network-get fails instead"),
    ],
)
def test_other_bindings_do_not_keep_a_machine_from_being_made(bindings: dict[str, str]):
    world = maas()
    world.juju.deploy(world.now, charm(), "app", 1, bindings=bindings)

    assert [machine.id for machine in world.juju.machines_to_start()] == ["0"]


def test_a_machine_without_units_is_made():
    world = maas()
    world.juju.add_machine(world.now)

    assert len(world.juju.machines_to_start()) == 1


@pytest.mark.parametrize("rules", ["3.6", "4.0"])
def test_a_host_name_may_be_among_the_addresses(rules: Rules):
    world = World(rules).settled(units=1)
    several = ["node7.maas", "10.99.0.9/24"]
    world.juju.machine_addresses_changed(
        "0", [Interface("eth0", "02:00:00:00:00:01", "alpha", several)]
    )

    network = world.begin("app/0").network_get("peers")

    assert set(network["ingress-addresses"]) == {"node7.maas", "10.99.0.9"}
    (interface,) = network["bind-addresses"]
    cidrs = {address["value"]: address["cidr"] for address in interface["addresses"]}
    assert cidrs == {"node7.maas": "", "10.99.0.9": "10.99.0.0/24"}
    assert world.juju.status(world.now)["machines"]["0"]["dns-name"] == "10.99.0.9"
