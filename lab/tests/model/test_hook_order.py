# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""juju-facts, "Order of hooks on one unit"."""

from __future__ import annotations

import pytest

from lab.model.errors import JujuError
from lab.model.state import Resource
from lab.testing.world import STORING, World, charm, kinds_and_units, names


def test_a_life_begins_in_jujus_order_on_the_leader():
    world = World()
    world.deploy(units=1)
    assert names(world.run("app/0")) == [
        "install",
        "peers-relation-created",
        "leader-elected",
        "config-changed",
        "start",
    ]


def test_a_life_begins_without_leader_elected_on_another():
    world = World()
    world.deploy(units=2)
    assert names(world.run("app/1"))[:4] == [
        "install",
        "peers-relation-created",
        "config-changed",
        "start",
    ]


def test_every_storage_attached_comes_before_install():
    world = World()
    world.deploy(units=1, info=charm(STORING))
    assert world.due("app/0") is None
    world.juju.storage_provisioned("data/0", "/srv/data")
    assert names(world.run("app/0"))[:2] == ["data-storage-attached", "install"]


def test_no_hook_runs_before_the_machine_is_up():
    world = World()
    world.juju.deploy(world.now, charm(), "app", 1)
    assert world.due("app/0") is None


def test_only_one_hook_runs_at_a_time_on_a_machine():
    world = World()
    world.deploy(units=1)
    world.juju.deploy(world.now, charm(), "other", 1, to=["0"])
    world.begin("app/0")
    assert world.due("other/0") is None


def test_hooks_on_two_machines_run_at_once():
    world = World()
    world.deploy(units=2)
    world.begin("app/0")
    assert world.due_name("app/1") == "install"


def test_an_idle_agent_takes_what_is_due_in_jujus_order():
    """Reboot, leadership, actions, commands, storage, upgrade, configuration, relations."""
    world = World()
    world.deploy(units=2, info=charm(STORING))
    for storage in world.juju.storage_to_provision():
        world.juju.storage_provisioned(storage.id, "/srv/data")
    world.settle()
    world.juju.exec_command(world.now, "app/1", "true")
    world.juju.run_action(world.now, "app/1", "plan")
    world.write("app/0", {"a": "1"})
    world.juju.set_config("app", {"size": 5})
    added = world.juju.add_storage(
        world.now, "app/1", "disks", world.state.applications["app"].storage["data"]
    )
    world.juju.storage_provisioned(added[0], "/dev/loop1")
    world.juju.attach_resource("app", Resource("image"))
    world.juju.move_leadership(world.now, "app", "app/1")
    world.juju.machine_rebooted(world.now, "1")
    assert names(world.run("app/1")) == [
        "start",
        "leader-elected",
        "plan",
        "",
        "disks-storage-attached",
        "upgrade-charm",
        "config-changed",
        "peers-relation-changed",
    ]


def test_upgrade_charm_is_followed_by_config_changed_on_attach_resource():
    world = World().settled(units=1)
    world.juju.attach_resource("app", Resource("image", path="/files/1"))
    assert names(world.run("app/0")) == ["upgrade-charm", "config-changed"]


def test_refresh_gives_upgrade_charm_with_the_new_charm():
    world = World().settled(units=1)
    world.juju.refresh("app", charm(revision=7))
    run = world.step("app/0")
    assert (run.name, run.charm) == ("upgrade-charm", "local:cluster-7")


@pytest.mark.parametrize(
    ("values", "hooks"),
    [
        ({"size": 4}, ["config-changed"]),
        ({"size": 3}, []),
        ({"mode": "auto"}, []),
        ({"fast": "true"}, ["config-changed"]),
    ],
)
def test_config_changed_comes_when_a_value_differs(values: dict[str, str | int], hooks: list[str]):
    world = World().settled(units=1)
    world.juju.set_config("app", values)
    assert names(world.run("app/0")) == hooks


def test_config_set_and_set_back_before_anyone_looks_gives_no_hook():
    world = World().settled(units=1)
    world.juju.set_config("app", {"size": 4})
    world.juju.reset_config("app", ["size"])
    assert world.due("app/0") is None


def test_config_set_during_config_changed_gives_another():
    world = World().settled(units=1)
    world.juju.set_config("app", {"size": 4})
    context = world.begin("app/0")
    world.juju.set_config("app", {"size": 5})
    assert context.config_get()["size"] == 4
    world.juju.commit(world.now, context)
    assert world.due_name("app/0") == "config-changed"


def test_config_changed_comes_with_trust():
    world = World().settled(units=1)
    world.juju.set_trust("app", trusted=True)
    assert names(world.run("app/0")) == ["config-changed"]


def test_update_status_comes_last_and_at_its_interval():
    world = World().settled(units=1)
    world.now += 300
    world.juju.set_config("app", {"size": 9})
    assert names(world.run("app/0")) == ["config-changed", "update-status"]
    world.now += 299
    assert world.due("app/0") is None
    world.now += 1
    assert world.due_name("app/0") == "update-status"


def test_missed_update_statuses_are_one():
    world = World().settled(units=1)
    world.now += 3000
    assert names(world.run("app/0")) == ["update-status"]


def test_the_interval_of_update_status_is_the_models():
    world = World()
    world.juju.set_model_config({"update-status-hook-interval": "1m"})
    world.settled(units=1)
    assert world.juju.next_due(world.now) == world.now + 60


def test_a_nonsensical_interval_is_refused():
    with pytest.raises(JujuError, match="invalid duration"):
        World().juju.set_model_config({"update-status-hook-interval": "soon"})


def test_after_a_reboot_comes_start():
    world = World().settled(units=1)
    world.juju.machine_lost(world.now, "0")
    world.juju.machine_rebooted(world.now, "0")
    assert names(world.run("app/0")) == ["start"]


def test_a_machine_that_comes_back_without_reboot_gives_no_hook():
    world = World().settled(units=1)
    machine = world.state.machines["0"]
    world.juju.machine_lost(world.now, "0")
    world.juju.machine_up(world.now, "0", machine.hostname, machine.interfaces)
    assert world.due("app/0") is None


def test_a_new_unit_joins_all_and_all_join_it():
    world = World().settled(units=2)
    world.juju.add_units(world.now, "app")
    world.machines_up()
    runs = world.settle()
    joined = [(run.unit, run.remote_unit) for run in runs if run.kind == "relation-joined"]
    assert sorted(joined) == [
        ("app/0", "app/2"),
        ("app/1", "app/2"),
        ("app/2", "app/0"),
        ("app/2", "app/1"),
    ]


def test_joined_is_followed_at_once_by_changed_of_that_unit():
    world = World().settled(units=3)
    world.juju.add_units(world.now, "app")
    world.machines_up()
    runs = [run for run in world.run("app/3") if run.relation_id is not None]
    assert kinds_and_units(runs)[1:] == [
        ("relation-joined", "app/0"),
        ("relation-changed", "app/0"),
        ("relation-joined", "app/1"),
        ("relation-changed", "app/1"),
        ("relation-joined", "app/2"),
        ("relation-changed", "app/2"),
    ]
