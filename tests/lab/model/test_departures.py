"""juju-facts: dying, and killed without goodbye."""

from __future__ import annotations

import pytest

from lab.model.errors import JujuError
from tests.lab.model.world import STORING, World, charm, names, told


def test_a_leaving_unit_says_goodbye_to_each_peer_then_stops():
    world = World().settled(units=3)
    world.juju.remove_unit(world.now, "app/1")
    runs = world.run("app/1")
    assert told(runs) == [
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


def test_the_others_are_told_who_departs():
    world = World().settled(units=3)
    world.juju.remove_unit(world.now, "app/1")
    world.run("app/1")
    runs = [*world.run("app/0"), *world.run("app/2")]
    assert told(runs) == [("relation-departed", "app/1")] * 2
    environment = world.juju.environment(runs[0])
    assert environment["JUJU_DEPARTING_UNIT"] == "app/1"


def test_the_others_may_be_told_while_the_leaver_is_still_there():
    world = World().settled(units=2)
    world.juju.remove_unit(world.now, "app/1")
    world.step("app/1")
    assert "app/1" in world.state.units
    assert world.due_name("app/0") == "peers-relation-departed"


def test_the_others_may_be_told_when_the_leaver_is_gone():
    world = World().settled(units=2)
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


def test_a_leaving_units_writes_are_not_delivered():
    world = World().settled(units=3)
    world.juju.remove_unit(world.now, "app/1")
    context = world.begin("app/1")
    context.relation_set({"last": "words"}, 0)
    world.juju.commit(world.now, context)
    assert world.due("app/0") is None
    world.run("app/1")
    assert names(world.run("app/0")) == ["peers-relation-departed"]


def test_a_leaving_unit_gets_no_new_charm_and_no_configuration():
    world = World().settled(units=2)
    world.juju.remove_unit(world.now, "app/1")
    world.juju.refresh(world.now, "app", charm(revision=1))
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


@pytest.mark.parametrize("how", ["unit", "machine"])
def test_by_force_none_of_the_leavers_hooks_run_and_the_others_are_told(how: str):
    world = World().settled(units=3)
    if how == "unit":
        world.juju.remove_unit(world.now, "app/1", force=True)
    else:
        world.juju.remove_machine(world.now, "1", force=True)
    assert [(run.unit, *told([run])[0]) for run in world.settle()] == [
        ("app/0", "relation-departed", "app/1"),
        ("app/2", "relation-departed", "app/1"),
    ]


def test_by_force_the_others_may_never_be_told_or_late():
    """LP 1947416."""
    world = World().settled(units=2)
    world.state.faults.lost_departures = True
    world.juju.remove_unit(world.now, "app/1", force=True)
    assert world.settle() == []
    assert world.inside("app/0").relation_list(0) == ["app/1"]
    world.juju.kill_running(world.now, "app/0")
    world.juju.deliver_lost_departures()
    assert names(world.run("app/0")) == ["peers-relation-departed"]


def test_a_dead_machine_is_not_told_to_anyone():
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
