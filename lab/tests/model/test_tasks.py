# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Actions and commands."""

from __future__ import annotations

from typing import Any

import pytest

from lab.model.charm import parse_charm
from lab.model.errors import HookToolError, JujuError
from lab.testing.world import CLUSTER, CONFIG, World, names


def test_an_action_runs_and_its_results_come_back():
    world = World().settled(units=1)
    task_id = world.juju.run_action(world.now, "app/leader", "report", {"deep": True})
    context = world.begin("app/0")
    environment = world.juju.environment(context.run)
    assert environment["JUJU_ACTION_NAME"] == "report"
    assert environment["JUJU_DISPATCH_PATH"] == "actions/report"
    assert environment["JUJU_HOOK_NAME"] == ""
    assert context.action_get() == {"deep": True}
    context.action_set({"a.b": "1", "a.c": "2", "d": "3"})
    context.action_log(world.now, "half way")
    context.process_result(0, "out", "")
    world.juju.commit(world.now, context)
    task = world.state.tasks[task_id]
    assert task.status == "completed"
    assert task.results == {
        "a": {"b": "1", "c": "2"},
        "d": "3",
        "return-code": 0,
        "stdout": "out",
    }
    assert task.log == [(world.now, "half way")]


def test_an_action_that_fails_leaves_the_unit_alone():
    world = World().settled(units=1)
    task_id = world.juju.run_action(world.now, "app/0", "plan")
    context = world.begin("app/0")
    world.juju.fail(world.now, context, "exit status 3")
    task = world.state.tasks[task_id]
    assert (task.status, task.message) == ("failed", "exit status 3")
    assert world.state.units["app/0"].failure is None


def test_action_fail_keeps_what_was_written():
    world = World().settled(units=1)
    task_id = world.juju.run_action(world.now, "app/0", "plan")
    context = world.begin("app/0")
    context.action_fail("sorry")
    context.state_set({"k": "v"})
    world.juju.commit(world.now, context)
    task = world.state.tasks[task_id]
    assert (task.status, task.message) == ("failed", "sorry")
    assert world.state.units["app/0"].charm_state == {"k": "v"}


def test_an_action_that_is_killed_fails_and_is_not_run_again():
    world = World().settled(units=1)
    task_id = world.juju.run_action(world.now, "app/0", "plan")
    world.juju.kill(world.now, world.begin("app/0"))
    assert world.state.tasks[task_id].status == "failed"
    assert world.due("app/0") is None


def test_an_action_waits_for_the_hook_that_runs():
    world = World().settled(units=1)
    world.juju.set_config("app", {"size": 4})
    world.begin("app/0")
    world.juju.run_action(world.now, "app/0", "plan")
    assert world.due("app/0") is None


def test_tasks_run_on_a_unit_in_error_and_leave_it_there():
    world = World().settled(units=1)
    world.juju.set_config("app", {"size": 4})
    world.fail("app/0")
    action = world.juju.run_action(world.now, "app/0", "plan")
    command = world.juju.exec_command(world.now, "app/0", "true")

    assert [run.kind for run in world.run("app/0")] == ["action", "exec"]

    assert {world.state.tasks[task].status for task in (action, command)} == {"completed"}
    failure = world.state.units["app/0"].failure
    assert failure is not None
    assert failure.run.kind == "config-changed"
    world.now += 5
    assert world.due_name("app/0") == "config-changed"


def test_an_action_that_is_killed_on_a_unit_in_error_does_not_retry_the_hook():
    world = World().settled(units=1)
    world.juju.set_config("app", {"size": 4})
    world.fail("app/0")
    world.juju.run_action(world.now, "app/0", "plan")
    world.juju.kill(world.now, world.begin("app/0"))
    assert world.due("app/0") is None


def test_actions_wait_until_the_charm_is_installed():
    world = World()
    world.deploy(units=1)
    world.juju.run_action(world.now, "app/0", "plan")
    assert names(world.run("app/0"))[0] == "install"


def test_a_command_runs_in_a_hooks_environment_without_a_hooks_name():
    world = World().settled(units=1)
    world.juju.exec_command(world.now, "app/0", "hostname")
    context = world.begin("app/0")
    assert context.action_get() == {"command": "hostname"}
    environment = world.juju.environment(context.run)
    assert environment["JUJU_UNIT_NAME"] == "app/0"
    assert "JUJU_DISPATCH_PATH" not in environment
    assert environment["JUJU_HOOK_NAME"] == ""
    assert environment["JUJU_ACTION_NAME"] == "juju-exec"


def test_a_task_that_waits_can_be_cancelled():
    world = World().settled(units=1)
    task_id = world.juju.run_action(world.now, "app/0", "plan")
    world.juju.cancel_task(world.now, task_id)
    assert world.state.tasks[task_id].status == "cancelled"
    assert world.due("app/0") is None


def test_the_tasks_of_a_unit_that_goes_fail():
    world = World().settled(units=1)
    running = world.juju.run_action(world.now, "app/0", "plan")
    waiting = world.juju.run_action(world.now, "app/0", "plan")
    world.begin("app/0")
    world.force_out("app/0")
    assert {world.state.tasks[task].status for task in (running, waiting)} == {"failed"}


def test_action_tools_are_refused_outside_an_action():
    world = World().settled(units=1)
    world.juju.set_config("app", {"size": 4})
    with pytest.raises(HookToolError, match="not running an action"):
        world.begin("app/0").action_set({"a": "1"})


@pytest.mark.parametrize(
    ("unit", "action", "params", "message"),
    [
        ("app/9", "plan", {}, 'unit "app/9" not found'),
        ("app/0", "dance", {}, 'action "dance" not defined on unit "app/0"'),
        ("app/0", "report", {"high": 1}, 'additional property "high" is not allowed'),
        ("app/0", "report", {"deep": "very"}, "must be of type boolean"),
        ("nothing/leader", "plan", {}, "not found"),
    ],
)
def test_an_action_that_does_not_fit_is_refused(
    unit: str, action: str, params: dict[str, Any], message: str
):
    world = World().settled(units=1)
    with pytest.raises(JujuError, match=message):
        world.juju.run_action(world.now, unit, action, params)


def test_defaults_of_parameters_are_filled_in():
    world = World().settled(units=1)
    world.juju.run_action(world.now, "app/0", "report")
    assert world.begin("app/0").action_get() == {"deep": False}


def test_a_map_needs_a_parameter_with_properties():
    """Juju looks for defaults there, and fails if it finds none."""
    world = World()
    params: dict[str, Any] = {"map": {"properties": {}}, "other": {}}
    actions = {"plan": {"params": params}}
    world.deploy(units=1, info=parse_charm(CLUSTER, CONFIG, actions, 0))
    world.settle()

    world.juju.run_action(world.now, "app/0", "plan", {"map": {"a": {"b": 1}}, "other": 1})
    with pytest.raises(JujuError, match="schema error caused a panic"):
        world.juju.run_action(world.now, "app/0", "plan", {"other": {"a": 1}})
