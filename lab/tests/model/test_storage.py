# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Storage: attached before install, detached before the end, kept or lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lab.model.errors import HookToolError, JujuError
from lab.model.state import StorageDirective
from lab.testing.world import STORING, World, charm, names

LASTING = StorageDirective("ceph", 1024, 1)


def storing(**wishes: StorageDirective) -> World:
    world = World()
    world.deploy(units=1, info=charm(STORING), storage=wishes)
    provision(world)
    world.settle()
    return world


def provision(world: World) -> None:
    for storage in world.juju.storage_to_provision():
        world.juju.storage_provisioned(storage.id, f"/srv/{storage.id}")


def test_a_charms_minimum_is_made_without_being_asked_for():
    assert list(storing().state.storage) == ["data/0"]


def test_directives_say_how_much():
    world = storing(disks=StorageDirective("maas", 2048, 2))
    assert list(world.state.storage) == ["data/0", "disks/1", "disks/2"]


def test_storage_is_provisioned_only_on_a_machine_that_is_there():
    world = World()
    world.juju.deploy(world.now, charm(STORING), "app", 1)
    assert world.juju.storage_to_provision() == []
    world.machines_up()
    assert [storage.id for storage in world.juju.storage_to_provision()] == ["data/0"]


def test_a_loop_device_is_never_announced_and_the_unit_waits_for_it():
    world = World()
    disks = {"disks": StorageDirective("loop", 1024, 1)}
    world.deploy(units=1, info=charm(STORING), storage=disks)
    provision(world)
    world.settle()
    unit = world.state.units["app/0"]
    assert not unit.installed
    assert (unit.workload.current, unit.workload.message) == ("waiting", "agent initialising")


def test_the_hook_knows_which_storage():
    world = World()
    world.deploy(units=1, info=charm(STORING))
    provision(world)
    context = world.begin("app/0")
    environment = world.juju.environment(context.run)
    assert environment["JUJU_STORAGE_ID"] == "data/0"
    assert environment["JUJU_STORAGE_LOCATION"] == "/srv/data/0"
    assert context.storage_get() == {"kind": "filesystem", "location": "/srv/data/0"}
    assert context.storage_list("data") == ["data/0"]


def test_the_hook_before_the_installation_can_ask_for_its_addresses():
    world = World()
    world.deploy(units=1, info=charm({**STORING, "extra-bindings": {"public": None}}))
    provision(world)

    assert world.begin("app/0").network_get("public")["ingress-addresses"] == ["10.99.0.1"]


def test_storage_that_is_not_attached_is_listed_and_has_no_location():
    world = storing()
    world.state.storage["data/0"].location = ""
    context = world.inside("app/0")

    assert context.storage_list("data") == ["data/0"]
    with pytest.raises(HookToolError, match="not provisioned"):
        context.storage_get("data/0")


def test_other_units_storage_is_not_found():
    world = storing()
    with pytest.raises(HookToolError, match="not found"):
        world.inside("app/0").storage_get("data/7")


def test_detached_machine_bound_storage_is_gone():
    world = storing()
    world.juju.detach_storage("data/0")
    assert names(world.settle()) == ["data-storage-detaching"]
    assert world.state.storage == {}


def test_detached_lasting_storage_can_be_attached_again():
    world = storing(data=LASTING)
    world.juju.detach_storage("data/0")
    world.settle()
    world.juju.attach_storage("app/0", "data/0")
    provision(world)
    assert names(world.settle()) == ["data-storage-attached"]


@pytest.mark.parametrize(("destroy", "left"), [(True, []), (False, ["data/0"])])
def test_a_removed_units_lasting_storage_stays_unless_destroyed(destroy: bool, left: list[str]):
    world = storing(data=LASTING)
    world.juju.remove_unit(world.now, "app/0", destroy_storage=destroy)
    world.settle()
    assert list(world.state.storage) == left


def test_a_charm_asks_for_more_with_the_hook():
    world = storing()
    context = world.inside("app/0")
    context.storage_add("disks", 1)
    assert list(world.state.storage) == ["data/0"]
    world.juju.commit(world.now, context)
    assert list(world.state.storage) == ["data/0", "disks/1"]


def test_more_than_the_charm_takes_is_refused():
    world = storing()
    with pytest.raises(JujuError, match="at most 2 instances"):
        world.juju.add_storage(world.now, "app/0", "disks", StorageDirective("loop", 1, 3))


REFUSED: list[tuple[Callable[[World], object], str]] = [
    (lambda w: w.juju.detach_storage("data/9"), 'storage "data/9" not found'),
    (lambda w: w.juju.attach_storage("app/9", "data/0"), 'unit "app/9" not found'),
    (lambda w: w.juju.attach_storage("app/0", "data/0"), "already attached"),
    (lambda w: w.juju.add_storage(0, "app/0", "x", LASTING), "not found"),
    (lambda w: w.juju.add_storage(0, "app/9", "data", LASTING), "not found"),
]


@pytest.mark.parametrize(("request_", "message"), REFUSED)
def test_a_wrong_change_of_storage_is_refused(request_: Callable[[World], object], message: str):
    world = storing()
    with pytest.raises(JujuError, match=message):
        request_(world)
