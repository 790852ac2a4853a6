# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""juju-facts, "Transactions": what a hook writes, and when it counts."""

from __future__ import annotations

import pytest

from lab.model.errors import JujuError
from lab.testing.world import World, names


def test_nobody_sees_what_a_hook_writes_before_it_ends():
    world = World().settled(units=2)
    context = world.inside("app/0")
    context.relation_set({"a": "1"}, 0)
    assert world.due("app/1") is None
    assert "a" not in world.inside("app/1").relation_get(0, "app/0")


def test_a_hook_reads_back_what_it_has_written():
    world = World().settled(units=1)
    context = world.inside("app/0")
    context.relation_set({"a": "1"}, 0)
    context.relation_set({"b": "2"}, 0, app=True)
    assert context.relation_get(0, "app/0")["a"] == "1"
    assert context.relation_get(0, "app", app=True) == {"b": "2"}


@pytest.mark.parametrize("end", ["fail", "kill"])
def test_a_hook_that_fails_or_is_killed_has_written_nothing(end: str):
    world = World().settled(units=2)
    world.juju.set_config("app", {"size": 4})
    context = world.begin("app/0")
    context.relation_set({"a": "1"}, 0)
    context.open_port("tcp", 8443, 8443, [])
    context.state_set({"k": "v"})
    context.secret_add({"s": "t"})
    getattr(world.juju, end)(world.now, context)
    unit = world.state.units["app/0"]
    assert "a" not in world.state.relations[0].data["app/0"]
    assert (unit.ports, unit.charm_state, world.state.secrets) == ([], {}, {})


def test_all_that_a_hook_writes_comes_at_once():
    world = World().settled(units=2)
    context = world.inside("app/0")
    context.relation_set({"a": "1"}, 0)
    context.relation_set({"b": "2"}, 0, app=True)
    context.open_port("tcp", 8443, 8443, [])
    context.state_set({"k": "v"})
    world.juju.commit(world.now, context)
    unit = world.state.units["app/0"]
    assert world.state.relations[0].data["app/0"]["a"] == "1"
    assert world.state.relations[0].data["app"] == {"b": "2"}
    assert unit.charm_state == {"k": "v"}
    assert world.inside("app/0").opened_ports() == ["8443/tcp"]


def test_a_status_is_sent_at_once_and_stays_when_the_hook_fails():
    world = World().settled(units=1)
    world.juju.set_config("app", {"size": 4})
    context = world.begin("app/0")
    context.status_set(world.now, "blocked", "no way")
    assert world.state.units["app/0"].workload.message == "no way"
    world.juju.fail(world.now, context)
    assert world.state.units["app/0"].workload.message == "no way"


def test_a_failed_hook_is_retried_after_5_s_doubling_to_5_min():
    world = World().settled(units=1)
    world.juju.set_config("app", {"size": 4})
    delays: list[float] = []
    for _ in range(9):
        world.fail("app/0")
        due = world.juju.next_due(world.now)
        assert due is not None
        assert world.due("app/0") is None
        delays.append(due - world.now)
        world.now = due
    assert delays == [5, 10, 20, 40, 80, 160, 300, 300, 300]


def test_a_success_forgets_the_delay():
    world = World().settled(units=1)
    for size in (4, 5):
        world.juju.set_config("app", {"size": size})
        world.fail("app/0")
        assert world.juju.next_due(world.now) == world.now + 5
        world.now += 5
        world.step("app/0")


def test_the_retried_hook_is_the_same_hook():
    world = World().settled(units=3)
    world.write("app/0", {"a": "1"})
    failed = world.fail("app/2")
    world.write("app/1", {"a": "1"})
    world.now += 5
    assert world.step("app/2") == failed


def test_no_other_hook_runs_on_a_unit_in_error():
    world = World().settled(units=1)
    world.juju.set_config("app", {"size": 4})
    world.fail("app/0")
    world.juju.set_config("app", {"size": 5})
    assert world.due("app/0") is None


def test_no_retry_when_the_model_forbids_it():
    world = World()
    world.juju.set_model_config({"automatically-retry-hooks": "false"})
    world.settled(units=1)
    world.juju.set_config("app", {"size": 4})
    world.fail("app/0")
    world.now += 3600
    assert world.due("app/0") is None


def test_resolved_runs_the_hook_again_at_once():
    world = World().settled(units=1)
    world.juju.set_config("app", {"size": 4})
    world.fail("app/0")
    world.juju.resolved(world.now, "app/0")
    assert names(world.run("app/0")) == ["config-changed"]


def test_resolved_without_retry_passes_over_the_hook():
    world = World().settled(units=2)
    world.write("app/1", {"a": "1"})
    world.fail("app/0")
    world.juju.resolved(world.now, "app/0", retry=False)
    assert world.due("app/0") is None


def test_resolved_is_refused_without_an_error():
    world = World().settled(units=1)
    with pytest.raises(JujuError, match="not in an error state"):
        world.juju.resolved(world.now, "app/0")


def test_a_killed_hook_runs_again_before_anything_else():
    world = World().settled(units=2)
    world.write("app/1", {"a": "1"})
    context = world.begin("app/0")
    world.juju.run_action(world.now, "app/0", "plan")
    world.juju.kill(world.now, context)
    assert world.due("app/0") == context.run


def test_a_killed_hook_cannot_commit_any_more():
    world = World().settled(units=2)
    world.write("app/1", {"a": "1"})
    context = world.begin("app/0")
    context.relation_set({"a": "2"}, 0)
    world.juju.machine_lost(world.now, "0")
    assert world.juju.commit(world.now, context) == "killed"
    assert "a" not in world.state.relations[0].data["app/0"]


def test_a_hook_whose_unit_was_removed_by_force_commits_nothing():
    world = World().settled(units=2)
    context = world.inside("app/0")
    context.relation_set({"a": "2"}, 0)
    world.force_out("app/0")
    assert world.juju.commit(world.now, context) == "killed"
    assert "a" not in world.state.relations[0].data["app/0"]


def test_when_the_controller_restarts_a_lost_hook_runs_again():
    world = World().settled(units=2)
    world.write("app/1", {"a": "1"})
    run = world.begin("app/0").run
    world.juju.kill_running(world.now, "app/0")
    assert world.due("app/0") == run


def test_reboot_now_kills_the_hook_and_runs_it_again():
    world = World().settled(units=2)
    world.write("app/1", {"a": "1"})
    context = world.begin("app/0")
    context.reboot(now=True)
    assert world.juju.commit(world.now, context) == "killed"
    world.juju.machine_lost(world.now, "0")
    world.juju.machine_rebooted(world.now, "0")
    assert names(world.run("app/0")) == ["peers-relation-changed", "start"]


def test_a_reboot_after_the_hook_keeps_what_it_wrote():
    world = World().settled(units=1)
    world.juju.set_config("app", {"size": 4})
    context = world.begin("app/0")
    context.reboot(now=False)
    assert context.reboot_wanted == "later"
    assert world.juju.commit(world.now, context) == "committed"


def test_the_history_shows_how_each_hook_ended():
    world = World().settled(units=1)
    world.juju.set_config("app", {"size": 4})
    world.fail("app/0")
    world.juju.resolved(world.now, "app/0")
    world.step("app/0")
    ended = [(record.run.name, record.outcome) for record in world.state.history[-2:]]
    assert ended == [("config-changed", "failed"), ("config-changed", "committed")]
