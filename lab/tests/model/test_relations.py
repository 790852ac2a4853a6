# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""juju-facts, relation hooks: their order, their data, and the output of their tools."""

from __future__ import annotations

import pytest

from lab.model.errors import HookToolError, JujuError
from lab.testing.world import DATABASE, World, charm, kinds_and_units, names


def test_within_a_relation_departed_then_application_then_joined_then_changed():
    world = World("3.6").settled(units=4)
    world.write("app/1", {"a": "1"})
    world.write("app/0", {"b": "1"}, app=True)
    world.force_out("app/2")
    world.juju.add_units(world.now, "app")
    world.machines_up()
    world.run("app/4")
    assert kinds_and_units(world.run("app/3")) == [
        ("relation-departed", "app/2"),
        ("relation-changed", ""),
        ("relation-joined", "app/4"),
        ("relation-changed", "app/4"),
        ("relation-changed", "app/1"),
    ]


def test_the_applications_change_has_no_remote_unit():
    world = World().settled(units=2)
    world.write("app/0", {"a": "1"}, app=True)
    environment = world.juju.environment(world.step("app/1"))
    assert environment["JUJU_REMOTE_UNIT"] == ""
    assert environment["JUJU_REMOTE_APP"] == "app"


def test_three_writes_before_anyone_looks_are_one_hook():
    world = World().settled(units=2)
    for value in ("1", "2", "3"):
        world.write("app/0", {"a": value})
    seen: list[str] = []
    world.on("app/1", "peers-relation-changed", lambda c: seen.append(c.relation_get()["a"]))
    assert names(world.run("app/1")) == ["peers-relation-changed"]
    assert seen == ["3"]


def test_a_unit_gets_no_hook_for_its_own_write():
    world = World().settled(units=2)
    world.write("app/0", {"a": "1"})
    assert world.due("app/0") is None


def test_the_leader_gets_no_hook_for_the_applications_data_it_wrote():
    world = World().settled(units=2)
    world.write("app/0", {"a": "1"}, app=True)
    assert world.due("app/0") is None


def test_a_write_that_changes_nothing_wakes_nobody():
    world = World().settled(units=2)
    world.write("app/0", {"a": "1"})
    world.settle()
    world.write("app/0", {"a": "1"})
    assert world.due("app/1") is None


def test_each_write_wakes_every_other_unit():
    world = World().settled(units=4)
    world.write("app/2", {"a": "1"})
    assert names(world.settle()) == ["peers-relation-changed"] * 3


def test_a_write_during_the_hook_about_it_gives_another_hook():
    world = World().settled(units=2)
    world.write("app/0", {"a": "1"})
    context = world.begin("app/1")
    world.write("app/0", {"a": "2"})
    world.juju.commit(world.now, context)
    assert world.due_name("app/1") == "peers-relation-changed"


def test_no_relation_can_be_seen_during_install():
    world = World()
    world.deploy(units=1)
    assert world.begin("app/0").relation_ids("peers") == []


def test_relation_list_shows_units_from_the_beginning_of_their_joined():
    world = World()
    world.deploy(units=3)
    for unit in world.state.units:
        for _ in range(4):
            world.step(unit)
    world.run("app/0")
    run = world.due("app/2")
    assert run is not None
    assert run.kind == "relation-joined"
    assert world.begin("app/2").relation_list() == ["app/0"]


def test_relation_list_shows_no_unit_whose_departed_has_begun():
    world = World("3.6").settled(units=3)
    world.force_out("app/0")
    context = world.begin("app/2")
    assert context.run.kind == "relation-departed"
    assert context.relation_list() == ["app/1"]


def test_a_departed_units_data_can_be_read():
    world = World("3.6").settled(units=2)
    world.write("app/0", {"a": "1"})
    world.settle()
    world.force_out("app/0")
    assert world.begin("app/1").relation_get()["a"] == "1"


def test_a_departed_units_data_can_be_read_long_after():
    world = World().settled(units=2)
    world.write("app/0", {"a": "1"})
    world.force_out("app/0")
    world.settle()
    assert world.inside("app/1").relation_get(0, "app/0")["a"] == "1"


def test_an_unknown_units_data_cannot_be_read():
    world = World().settled(units=1)
    with pytest.raises(HookToolError, match="permission denied"):
        world.inside("app/0").relation_get(0, "app/9")


def test_a_members_data_is_read_as_of_the_last_hook_about_it():
    world = World().settled(units=2)
    first = world.inside("app/1")
    assert "a" not in first.relation_get(0, "app/0")
    world.juju.commit(world.now, first)
    world.write("app/0", {"a": "1"})
    later = world.inside("app/1")
    assert "a" not in later.relation_get(0, "app/0")
    world.juju.commit(world.now, later)
    assert world.begin("app/1").relation_get()["a"] == "1"


@pytest.mark.parametrize("how", ["kill", "agent"])
def test_an_agent_that_starts_again_reads_again(how: str):
    world = World().settled(units=2)
    context = world.inside("app/1")
    assert "a" not in context.relation_get(0, "app/0")
    world.write("app/0", {"a": "1"})
    if how == "kill":
        world.juju.kill(world.now, context)
    else:
        world.juju.commit(world.now, context)
        world.juju.agent_lost(world.now, "app/1")
        world.juju.agent_back(world.now, "app/1")
    assert world.inside("app/1").relation_get(0, "app/0")["a"] == "1"


def test_juju_puts_the_units_addresses_into_its_bag():
    world = World().settled(units=2)
    data = world.inside("app/0").relation_get(0, "app/1")
    assert data["ingress-address"] == "10.99.0.2"
    assert data["egress-subnets"] == "10.99.0.2/32"


def test_another_unit_reads_the_applications_peer_data():
    world = World().settled(units=2)
    world.write("app/0", {"a": "1"}, app=True)
    assert world.inside("app/1").relation_get(0, "app", app=True) == {"a": "1"}


def test_only_the_leader_writes_the_applications_data():
    world = World().settled(units=2)
    with pytest.raises(HookToolError, match="cannot write relation settings"):
        world.inside("app/1").relation_set({"a": "1"}, 0, app=True)


def test_a_follower_cannot_read_its_own_applications_data_outside_a_peer_relation():
    world = related()
    relation = world.juju.state.counters.relation - 1
    context = world.inside("app/1")
    with pytest.raises(HookToolError, match="permission denied"):
        context.relation_get(relation, "app", app=True)


def test_an_empty_value_deletes_the_key():
    world = World().settled(units=1)
    world.write("app/0", {"a": "1", "b": "2"})
    world.write("app/0", {"a": ""})
    data = world.inside("app/0").relation_get(0, "app/0")
    assert "a" not in data
    assert data["b"] == "2"


def related() -> World:
    world = World().settled(units=2)
    world.deploy("db", 1, charm(DATABASE))
    world.settle()
    world.juju.integrate("app", "db")
    return world


def test_integrate_gives_created_then_joined_on_both_sides():
    runs = related().settle()
    assert names(runs, "db/0") == [
        "db-relation-created",
        "db-relation-joined",
        "db-relation-changed",
        "db-relation-joined",
        "db-relation-changed",
    ]
    assert names(runs, "app/1") == [
        "database-relation-created",
        "database-relation-joined",
        "database-relation-changed",
    ]


def test_removing_a_relation_gives_departed_then_broken_and_no_more():
    world = related()
    world.settle()
    world.juju.remove_relation("app", "db")
    runs = world.settle()
    assert kinds_and_units([run for run in runs if run.unit == "db/0"]) == [
        ("relation-departed", "app/0"),
        ("relation-departed", "app/1"),
        ("relation-broken", ""),
    ]
    assert len(world.state.relations) == 1


def test_a_change_of_the_other_application_gives_relation_changed():
    world = related()
    world.settle()
    context = world.inside("db/0")
    context.relation_set({"dsn": "x"}, int(context.relation_ids("db")[0][3:]), app=True)
    world.juju.commit(world.now, context)
    seen: list[str] = []
    world.on(
        "app/1", "database-relation-changed", lambda c: seen.append(c.relation_get(app=True)["dsn"])
    )
    world.settle()
    assert seen == ["x"]


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ("app", "nothing", 'application "nothing" not found'),
        ("app:peers", "db", 'has no "peers" relation'),
        ("app:api", "db", "no relations found"),
        ("app", "db", "already exists"),
    ],
)
def test_integrate_refuses(first: str, second: str, message: str):
    world = related()
    with pytest.raises(JujuError, match=message):
        world.juju.integrate(first, second)


def test_an_application_that_goes_breaks_its_relations():
    world = related()
    world.settle()
    world.juju.remove_application(world.now, "db")
    runs = world.settle()
    assert names(runs, "db/0")[-2:] == ["stop", "remove"]
    assert names(runs, "app/0") == ["database-relation-departed", "database-relation-broken"]
    assert list(world.state.applications) == ["app"]
