# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""juju-facts: units that are dying, or killed without their last hooks."""

from __future__ import annotations

import pytest

from lab.model.errors import JujuError
from lab.model.rules import Rules
from lab.model.state import StorageDirective
from lab.testing.world import STORING, World, charm, kinds_and_units, names


def test_a_leaving_unit_says_goodbye_to_each_peer_then_stops():
    world = World().settled(units=3)
    world.juju.remove_unit(world.now, "app/1")
    runs = world.run("app/1")
    assert kinds_and_units(runs) == [
        ("relation-departed", "app/0"),
        ("relation-departed", "app/2"),
        ("stop", ""),
        ("remove", ""),
    ]
    assert {run.departing_unit for run in runs[:2]} == {"app/1"}


def test_storage_is_detached_before_the_goodbyes():
    world = World()
    world.deploy(units=2, info=charm(STORING))
    for storage in world.juju.storage_to_provision():
        world.juju.storage_provisioned(storage.id, "/srv")
    world.settle()
    world.juju.remove_unit(world.now, "app/1")
    assert names(world.run("app/1")) == [
        "data-storage-detaching",
        "peers-relation-departed",
        "stop",
        "remove",
    ]


def test_the_others_get_relation_departed_with_the_unit_that_departs():
    world = World("3.6").settled(units=3)
    world.juju.remove_unit(world.now, "app/1")
    world.run("app/1")
    runs = [*world.run("app/0"), *world.run("app/2")]
    assert kinds_and_units(runs) == [("relation-departed", "app/1")] * 2
    environment = world.juju.environment(runs[0])
    assert environment["JUJU_DEPARTING_UNIT"] == "app/1"


@pytest.mark.parametrize("rules", ["3.6", "4.0"])
def test_the_others_may_get_relation_departed_while_the_leaver_is_still_there(rules: Rules):
    world = World(rules).settled(units=2)
    world.state.faults.early_departures = True
    world.juju.remove_unit(world.now, "app/1")
    world.step("app/1")
    assert "app/1" in world.state.units
    assert world.due_name("app/0") == "peers-relation-departed"


def test_juju_4_drops_the_departure_of_a_unit_that_is_gone():
    world = World("4.0").settled(units=3)
    world.juju.remove_unit(world.now, "app/1")
    world.run("app/1")
    assert "app/1" not in world.state.units
    assert world.settle() == []
    assert world.inside("app/0").relation_list(0) == ["app/1", "app/2"]


def test_juju_4_notifies_those_of_the_others_that_look_in_time():
    world = World("4.0").settled(units=3)
    world.state.faults.early_departures = True
    world.juju.remove_unit(world.now, "app/1")
    while world.due_name("app/1") != "remove":
        world.step("app/1")
    assert kinds_and_units(world.run("app/0")) == [("relation-departed", "app/1")]
    world.run("app/1")
    assert world.settle() == []
    assert world.inside("app/2").relation_list(0) == ["app/0", "app/1"]


def test_a_unit_that_comes_later_never_meets_one_that_is_gone():
    world = World("4.0").settled(units=2)
    world.force_out("app/1")
    world.juju.add_units(world.now, "app")
    world.machines_up()
    world.settle()
    assert world.inside("app/2").relation_list(0) == ["app/0"]


def test_a_leaver_says_goodbye_to_units_that_it_has_not_heard_of_too():
    world = World("4.0").settled(units=2)
    world.force_out("app/1")
    world.juju.remove_unit(world.now, "app/0")
    assert kinds_and_units(world.run("app/0"))[0] == ("relation-departed", "app/1")


def test_the_others_may_get_relation_departed_when_the_leaver_is_gone():
    world = World("3.6").settled(units=2)
    world.state.faults.late_departures = True
    world.juju.remove_unit(world.now, "app/1")
    while world.due_name("app/1") != "remove":
        world.step("app/1")
        assert world.due("app/0") is None
    world.step("app/1")
    assert world.due_name("app/0") == "peers-relation-departed"


def test_a_peer_relation_never_breaks():
    world = World().settled(units=2)
    world.juju.remove_application(world.now, "app")
    assert "peers-relation-broken" not in names(world.settle())


def leaver_writes(world: World) -> None:
    """A removed unit writes in its first hook, and stays."""
    world.juju.remove_unit(world.now, "app/1")
    context = world.begin("app/1")
    context.relation_set({"last": "words"}, 0)
    world.juju.commit(world.now, context)
    assert "app/1" in world.state.units


@pytest.mark.parametrize("late", [False, True])
def test_juju_3_does_not_deliver_what_a_leaving_unit_writes(late: bool):
    world = World("3.6").settled(units=3)
    world.state.faults.late_departures = late
    leaver_writes(world)
    assert "peers-relation-changed" not in names(world.run("app/0"))
    assert world.inside("app/0").relation_get(0, "app/1")["last"] == "words"


def test_juju_4_delivers_what_a_leaving_unit_writes_as_long_as_it_is_in_the_relation():
    world = World("4.0").settled(units=3)
    leaver_writes(world)
    assert kinds_and_units(world.run("app/0")) == [("relation-changed", "app/1")]
    world.run("app/1")
    assert world.run("app/2") == []


def test_juju_4_may_not_deliver_it_either():
    world = World("4.0").settled(units=3)
    world.state.faults.unheard_leavers = True
    leaver_writes(world)
    assert world.run("app/0") == []


def test_juju_3_announces_a_departure_as_soon_as_the_unit_is_removed():
    world = World("3.6").settled(units=2)
    world.juju.remove_unit(world.now, "app/1")
    assert kinds_and_units(world.run("app/0")) == [("relation-departed", "app/1")]
    assert "app/1" in world.state.units


@pytest.mark.parametrize(("rules", "sees"), [("3.6", ["app/0"]), ("4.0", ["app/0", "app/1"])])
def test_a_unit_that_comes_later_meets_a_leaving_one_on_juju_4_only(rules: Rules, sees: list[str]):
    world = World(rules).settled(units=2)
    world.juju.remove_unit(world.now, "app/1")
    world.fail("app/1")
    world.juju.add_units(world.now, "app")
    world.machines_up()
    world.run("app/2")
    context = world.inside("app/2")
    assert context.relation_list(0) == sees
    assert "app/1" in context.goal_state()["units"]


def test_a_leaving_unit_gets_no_new_charm_and_no_configuration():
    world = World().settled(units=2)
    world.juju.remove_unit(world.now, "app/1")
    world.juju.refresh("app", charm(revision=1))
    world.juju.set_config("app", {"size": 9})
    assert names(world.run("app/1")) == ["peers-relation-departed", "stop", "remove"]


def test_a_unit_that_never_had_a_machine_leaves_without_hooks():
    world = World()
    world.juju.deploy(world.now, charm(), "app", 1)
    world.juju.remove_unit(world.now, "app/0")
    assert world.state.units == {}


def test_a_unit_that_never_started_is_not_stopped():
    world = World()
    world.deploy(units=1)
    world.step("app/0")
    world.juju.remove_unit(world.now, "app/0")
    assert names(world.run("app/0")) == ["remove"]


def test_a_unit_removed_inside_install_ends_it_first():
    world = World()
    world.deploy(units=1)
    context = world.begin("app/0")
    world.juju.remove_unit(world.now, "app/0")
    world.juju.commit(world.now, context)
    assert names(world.run("app/0")) == ["remove"]
    assert world.state.units == {}


def test_a_leaving_unit_in_error_stays_until_the_error_is_resolved():
    world = World().settled(units=1)
    world.juju.set_config("app", {"size": 4})
    world.fail("app/0")
    world.juju.remove_unit(world.now, "app/0")
    assert world.due("app/0") is None
    world.juju.resolved(world.now, "app/0", retry=False)
    assert names(world.run("app/0")) == ["stop", "remove"]


def held(rules: Rules, units: int = 1, **wishes: StorageDirective) -> World:
    """A removed application whose last unit is in error in its last hook."""
    world = World(rules)
    info = charm(STORING) if wishes else charm()
    world.deploy(units=units, info=info, storage=wishes)
    for storage in world.juju.storage_to_provision():
        world.juju.storage_provisioned(storage.id, "/srv")
    world.settle()
    world.juju.remove_application(world.now, "app")
    return world


def test_juju_4_lets_the_last_unit_go_with_its_application_though_its_hook_fails():
    world = held("4.0")
    assert world.fail("app/0").name == "stop"
    assert world.state.applications == {}
    assert [machine.id for machine in world.juju.machines_to_stop()] == ["0"]


def test_juju_4_lets_one_go_that_failed_before_its_application_went():
    world = World("4.0").settled(units=1)
    world.juju.set_config("app", {"size": 4})
    world.fail("app/0")
    world.juju.remove_application(world.now, "app")
    assert world.state.units == {}


def test_juju_4_is_held_as_long_as_others_are_there():
    world = held("4.0", units=2)
    world.fail("app/0")
    assert "app/0" in world.state.units
    world.run("app/1")
    world.wait(5)
    world.fail("app/0")
    assert world.state.units == {}


def test_juju_4_is_held_by_storage_that_is_attached():
    world = held("4.0", data=StorageDirective("rootfs", 1024, 1))
    world.fail("app/0")
    assert "app/0" in world.state.units


def test_juju_3_is_held_by_the_last_units_hook():
    world = held("3.6")
    world.fail("app/0")
    assert "app/0" in world.state.units


def test_no_unit_is_notified_of_a_dead_machine():
    world = World().settled(units=3)
    world.juju.machine_lost(world.now, "1")
    assert world.settle() == []


def test_a_machine_goes_with_its_last_unit():
    world = World()
    world.deploy(units=1)
    world.juju.deploy(world.now, charm(), "other", 1, to=["0"])
    world.settle()
    world.juju.remove_unit(world.now, "app/0")
    world.settle()
    assert world.juju.machines_to_stop() == []
    world.juju.remove_unit(world.now, "other/0")
    world.settle()
    assert [machine.id for machine in world.juju.machines_to_stop()] == ["0"]
    world.juju.machine_destroyed("0")
    assert world.state.machines == {}


def test_a_machine_with_units_is_not_removed_without_force():
    world = World().settled(units=1)
    with pytest.raises(JujuError, match='machine 0 has unit "app/0" assigned'):
        world.juju.remove_machine(world.now, "0")


def test_an_application_is_gone_when_its_last_unit_is():
    world = World().settled(units=2)
    world.juju.remove_application(world.now, "app")
    world.settle()
    assert (world.state.applications, world.state.units, world.state.relations) == ({}, {}, {})


def test_numbers_never_come_back():
    world = World().settled(units=2)
    world.juju.remove_application(world.now, "app", force=True)
    world.wait(3)
    world.deploy(units=1)
    assert list(world.state.units) == ["app/2"]
    assert world.state.units["app/2"].machine == "2"


def test_planned_units_do_not_count_the_leaving():
    world = World().settled(units=3)
    world.juju.remove_unit(world.now, "app/2")
    units = world.inside("app/0").goal_state()["units"]
    assert [name for name, goal in units.items() if goal["status"] != "dying"] == ["app/0", "app/1"]


def test_planned_units_are_none_when_the_application_goes():
    world = World().settled(units=2)
    world.juju.remove_application(world.now, "app")
    units = world.begin("app/0").goal_state()["units"]
    assert {goal["status"] for goal in units.values()} == {"dying"}
