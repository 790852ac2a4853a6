# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""juju-facts, "Leadership"."""

from __future__ import annotations

import pytest

from lab.model.errors import JujuError
from lab.testing.world import World, names


def leader(world: World) -> str:
    lease = world.state.applications["app"].lease
    return lease.holder if lease is not None else ""


def test_the_first_agent_to_be_up_leads():
    world = World()
    world.deploy(units=3)
    assert leader(world) == "app/0"


@pytest.mark.parametrize("lost_after", [0, 1, 29.9, 30, 59, 1000])
def test_true_holds_for_30_s_and_another_leads_within_60_s(lost_after: float):
    world = World().settled(units=2)
    world.now += lost_after
    world.juju.machine_lost(world.now, "0")
    assert world.juju.expire_leases(world.now + 29.9) == []
    assert world.juju.expire_leases(world.now + 60) == ["app"]
    assert leader(world) == "app/1"


def test_the_clock_says_when_a_lease_lapses():
    world = World().settled(units=2)
    world.juju.set_model_config({"update-status-hook-interval": "1h"})
    world.juju.machine_lost(world.now, "0")
    due = world.juju.next_due(world.now)
    assert due is not None
    assert world.juju.expire_leases(due) == ["app"]


def test_a_leader_that_is_there_keeps_the_lease():
    world = World().settled(units=2)
    world.now += 10_000
    assert world.juju.expire_leases(world.now) == []
    assert world.inside("app/0").is_leader(world.now)


def test_a_leader_that_comes_back_in_time_keeps_the_lease():
    world = World().settled(units=2)
    world.juju.agent_lost(world.now, "app/0")
    world.juju.agent_back(world.now + 20, "app/0")
    assert world.juju.expire_leases(world.now + 100) == []
    assert leader(world) == "app/0"


def test_leader_elected_fires_on_the_new_leader_only():
    world = World().settled(units=3)
    world.juju.move_leadership(world.now, "app", "app/2")
    assert [(run.unit, run.name) for run in world.settle()] == [("app/2", "leader-elected")]


def test_there_is_no_hook_for_losing_the_lease():
    world = World().settled(units=2)
    world.juju.move_leadership(world.now, "app", "app/1")
    assert world.due("app/0") is None


def test_leadership_that_comes_back_is_announced_again():
    world = World().settled(units=2)
    world.juju.move_leadership(world.now, "app", "app/1")
    world.settle()
    world.juju.move_leadership(world.now, "app", "app/0")
    assert names(world.settle()) == ["leader-elected"]


def test_what_a_leader_wrote_is_refused_when_it_lost_the_lease_inside_the_hook():
    world = World().settled(units=2)
    world.juju.set_config("app", {"size": 4})
    context = world.begin("app/0")
    context.relation_set({"mine": "1"}, 0)
    context.relation_set({"ours": "1"}, 0, app=True)
    world.juju.move_leadership(world.now, "app", "app/1")
    assert not context.is_leader(world.now)
    assert world.juju.commit(world.now, context) == "failed"
    assert world.state.relations[0].data["app"] == {}
    assert "mine" not in world.state.relations[0].data["app/0"]
    world.now += 5
    assert world.due_name("app/0") == "config-changed"


def test_what_is_not_the_leaders_is_kept_when_the_lease_was_lost_inside_the_hook():
    world = World().settled(units=2)
    context = world.inside("app/0")
    context.relation_set({"mine": "1"}, 0)
    world.juju.move_leadership(world.now, "app", "app/1")
    assert world.juju.commit(world.now, context) == "committed"


def test_a_dying_leader_keeps_the_lease_until_it_is_gone():
    world = World("3.6").settled(units=2)
    world.juju.remove_unit(world.now, "app/0")
    while world.due_name("app/0") != "remove":
        world.step("app/0")
        assert leader(world) == "app/0"
    world.step("app/0")
    assert leader(world) == "app/1"


def test_a_dying_leader_resigns_before_its_last_hooks():
    world = World("4.0").settled(units=2)
    world.juju.remove_unit(world.now, "app/0")
    assert world.step("app/0").kind == "relation-departed"
    assert leader(world) == "app/0"
    assert world.begin("app/0").run.kind == "stop"
    assert leader(world) == "app/1"


def test_the_lease_of_a_leader_removed_by_force_is_revoked():
    world = World("4.0").settled(units=2)
    world.force_out("app/0")
    assert leader(world) == "app/1"


def test_a_leader_removed_by_force_lets_the_lease_lapse():
    world = World("3.6").settled(units=2)
    world.force_out("app/0")
    assert leader(world) == "app/0"
    world.juju.expire_leases(world.now + 60)
    assert leader(world) == "app/1"


def test_a_unit_that_leaves_does_not_become_leader():
    world = World().settled(units=3)
    world.juju.remove_unit(world.now, "app/1")
    world.juju.machine_lost(world.now, "0")
    world.juju.expire_leases(world.now + 60)
    assert leader(world) == "app/2"


def test_without_anyone_to_take_it_a_lease_waits():
    world = World().settled(units=2)
    world.juju.machine_lost(world.now, "0")
    world.juju.machine_lost(world.now, "1")
    assert world.juju.expire_leases(world.now + 100) == []
    world.juju.agent_back(world.now + 100, "app/1")
    assert world.juju.expire_leases(world.now + 100) == ["app"]


def test_a_leader_elected_retried_too_late_does_not_hide_the_next():
    world = World().settled(units=2)
    world.juju.move_leadership(world.now, "app", "app/1")
    world.fail("app/1")
    world.juju.move_leadership(world.now, "app", "app/0")
    world.now += 5
    assert names(world.run("app/1")) == ["leader-elected"]
    world.juju.move_leadership(world.now, "app", "app/1")
    assert names(world.run("app/1")) == ["leader-elected"]


def test_leadership_cannot_go_to_another_applications_unit():
    world = World().settled(units=1)
    world.deploy("other", 1)
    with pytest.raises(JujuError, match="not found"):
        world.juju.move_leadership(world.now, "app", "other/0")
