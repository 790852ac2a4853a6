# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""juju-facts: units and machines that are removed by force."""

from __future__ import annotations

from lab.testing.world import World, charm, kinds_and_units, names


def test_by_force_the_unit_is_out_after_3_s_and_none_of_its_hooks_run():
    world = World().settled(units=2)
    world.juju.remove_unit(world.now, "app/1", force=True)
    assert world.due("app/1") is None
    assert world.juju.next_due(world.now) == world.now + 3
    world.wait(2.9)
    assert "app/1" in world.state.units
    world.wait(0.1)
    assert "app/1" not in world.state.units


def test_by_force_the_machine_is_out_too_and_nobody_releases_it():
    world = World().settled(units=2)
    world.force_out("app/1")
    assert list(world.state.machines) == ["0"]
    assert world.juju.machines_to_stop() == []
    assert world.juju.machines_left() == ["1"]
    world.juju.machine_released("1")
    assert world.juju.machines_left() == []


def test_by_force_a_machine_with_another_unit_stays():
    world = World().settled(units=1)
    world.juju.deploy(world.now, charm(), "other", 1, to=["0"])
    world.force_out("app/0")
    assert (list(world.state.machines), world.juju.machines_left()) == (["0"], [])


def test_by_force_a_unit_without_a_machine_is_gone_at_once():
    world = World()
    world.juju.deploy(world.now, charm(), "app", 1)
    world.force_out("app/0")
    assert world.state.units == {}
    assert [machine.id for machine in world.juju.machines_to_stop()] == ["0"]


def test_juju_4_does_not_announce_a_unit_removed_by_force():
    world = World("4.0").settled(units=3)
    world.force_out("app/1")
    assert [run.name for run in world.settle() if run.kind != "leader-elected"] == []


def test_juju_3_announces_a_unit_removed_by_force():
    world = World("3.6").settled(units=3)
    world.force_out("app/1")
    assert [(run.unit, *kinds_and_units([run])[0]) for run in world.settle()] == [
        ("app/0", "relation-departed", "app/1"),
        ("app/2", "relation-departed", "app/1"),
    ]


def test_juju_3_may_announce_it_late_or_never():
    """LP 1947416."""
    world = World("3.6").settled(units=2)
    world.state.faults.lost_departures = True
    world.force_out("app/1")
    assert world.settle() == []
    assert world.inside("app/0").relation_list(0) == ["app/1"]
    world.juju.kill_running(world.now, "app/0")
    world.juju.deliver_lost_departures()
    assert names(world.run("app/0")) == ["peers-relation-departed"]


def test_a_machine_removed_by_force_lets_its_unit_run_its_hooks():
    world = World().settled(units=2)
    context = world.inside("app/1")
    context.relation_set({"a": "1"}, 0)

    world.juju.remove_machine(world.now, "1", force=True)

    assert world.juju.commit(world.now, context) == "committed"
    assert names(world.run("app/1")) == ["peers-relation-departed", "stop", "remove"]
    assert [machine.id for machine in world.juju.machines_to_stop()] == ["1"]


def test_only_remove_runs_on_a_machine_removed_by_force_in_install():
    world = World()
    world.deploy(units=1)
    context = world.begin("app/0")
    world.juju.remove_machine(world.now, "0", force=True)
    world.juju.commit(world.now, context)
    assert names(world.run("app/0")) == ["remove"]


def test_a_dead_machine_removed_by_force_goes_without_hooks():
    world = World().settled(units=2)
    world.juju.machine_lost(world.now, "1")
    world.juju.remove_machine(world.now, "1", force=True)
    assert world.due("app/1") is None
    world.wait(60)
    assert "app/1" not in world.state.units
    assert [machine.id for machine in world.juju.machines_to_stop()] == ["1"]


def test_a_hook_that_fails_holds_no_machine_that_is_removed_by_force():
    world = World().settled(units=2)
    world.juju.remove_machine(world.now, "1", force=True)
    world.fail("app/1")
    world.wait(60)
    assert "app/1" not in world.state.units
