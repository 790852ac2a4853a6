# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The last members that leave admit a unit first, which takes what they hold."""

from __future__ import annotations

from dataclasses import replace

import ops
import pytest
from ops import hookcmds, testing

from hooks import publishing
from plan.leaving import last_unit
from records import member_marks
from state.cluster import ClusterView
from tests.lxd_model.generations import NAMES
from tests.lxd_model.records import Role
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import (
    later,
    leaving,
    locations,
    names,
    note,
    the_cluster,
    with_instance,
    without,
)
from tests.unit.stage import Stage


def with_lone_leaver(generation: str = "5.21") -> ModelApp:
    """`add-unit` and `remove-unit` of the only member at once; it has an instance."""
    app = with_instance(formed(1, generation), "m0")
    app.add(1)
    app.hook("lxd/1")
    return leaving(app, "lxd/0")


@pytest.mark.parametrize("generation", NAMES)
def test_a_lone_member_that_leaves_lets_a_new_one_in_first(generation: str):
    app = with_lone_leaver(generation)
    for _ in range(2):
        assert "waits for lxd/1 to join" in app.hook("lxd/0").hold
    assert app.own("lxd/0").token is None
    app.publishing.add("lxd/0")
    app.hook("lxd/0")
    app.publishing.clear()
    app.hook("lxd/1")

    assert app.own("lxd/1").cluster
    assert app.hook("lxd/0").hold == ""
    assert locations(app) == {"c1": "m1"}
    assert names(app) == ["m1"]


def admits(app: ModelApp, unit: str, joiner: str) -> None:
    """`unit` leaves, and `joiner` becomes a member all the same."""
    app.publishing.add(unit)
    for _ in range(3):
        app.hook(unit)
    app.publishing.clear()
    for name in (joiner, joiner):
        app.hook(name)
    assert app.own(joiner).cluster


@pytest.mark.parametrize("generation", NAMES)
def test_one_of_two_that_leave_admits_the_unit_that_takes_what_they_hold(generation: str):
    app = with_instance(with_instance(formed(2, generation), "m0"), "m1", name="c2")
    for number in (2, 3):
        app.add(number)
        app.hook(f"lxd/{number}")
    leaving(app, "lxd/0", "lxd/1")
    for _ in range(2):
        for unit in ("lxd/1", "lxd/0"):
            assert app.hook(unit).hold

    admits(app, "lxd/0", "lxd/2")

    app.leader = "lxd/2"
    for name in ("lxd/2", "lxd/3") * 3:
        app.hook(name)
    # With the next heartbeats LXD gives the new members a copy of the database.
    later(app, 30.0)
    for unit in ("lxd/0", "lxd/1"):
        held = [app.hook(unit).hold for _ in range(3)]
        assert held[-1] == ""
    assert set(locations(app).values()) <= {"m2", "m3"}
    assert names(app) == ["m2", "m3"]


@pytest.mark.parametrize("generation", ["5.0", "6.9"])
def test_a_leaver_admits_a_unit_that_can_have_the_database(generation: str):
    app = formed(2, generation)
    app.remove("lxd/1")
    for owner in member_marks.OWNERS:
        note(app, f"{owner}m1", "")
    app.add(2)
    app.hook("lxd/2")
    (spare,) = (row for row in the_cluster(app).members if row.name == "m1")
    spare.role = Role.SPARE
    leaving(app, "lxd/0")
    why = app.hook("lxd/0").hold
    assert "m1 has no copy of the database" in why
    assert "lxc cluster remove m1" in why

    admits(app, "lxd/0", "lxd/2")

    held = [app.hook("lxd/0").hold for _ in range(3)]
    assert held[-1] == ""
    assert names(app) == ["m1", "m2"]


def test_a_lone_leaver_publishes_in_a_hook_that_another_one_follows(
    monkeypatch: pytest.MonkeyPatch,
):
    app = with_lone_leaver()
    stage = Stage(app, app.units["lxd/0"], monkeypatch)
    on = stage.context.on

    # The only other unit departs: with that hook this unit is out of the relation.
    departed = on.relation_departed(stage.relation, remote_unit=1, departing_unit=0)
    with pytest.raises(testing.errors.UncaughtCharmError, match="run lxd/0 let-in"):
        stage.context.run(departed, stage.state())
    out = stage.context.run(on.stop(), stage.state())
    databag = out.get_relation(stage.relation.id).local_unit_data
    assert "lxd/1" in databag["token"]
    app.databags["lxd/0"] |= {"token": databag["token"]}
    for hook in (on.stop(), on.remove()):
        with pytest.raises(testing.errors.UncaughtCharmError, match="waits for lxd/1 to join"):
            stage.context.run(hook, out)


def test_the_action_let_in_serves_where_no_such_hook_is_left(monkeypatch: pytest.MonkeyPatch):
    app = with_lone_leaver()
    stage = Stage(app, app.units["lxd/0"], monkeypatch)

    out = stage.context.run(stage.context.on.action("let-in"), stage.state())

    assert "lxd/1" in out.get_relation(stage.relation.id).local_unit_data["token"]


@pytest.mark.parametrize("hook", ["stop", "let-in"])
def test_a_token_that_a_leaver_cannot_publish_is_cancelled(
    hook: str, monkeypatch: pytest.MonkeyPatch
):
    app = with_lone_leaver()
    stage = Stage(app, app.units["lxd/0"], monkeypatch)
    on = stage.context.on

    def fails(*_: object) -> None:
        raise ops.ModelError("connection is shut down")

    event = on.stop() if hook == "stop" else on.action(hook)
    with monkeypatch.context() as now:
        now.setattr(publishing, "write", fails)
        with pytest.raises((testing.errors.UncaughtCharmError, testing.ActionFailed)):
            stage.context.run(event, stage.state())
    assert the_cluster(app).tokens == {}

    stage.context.run(on.stop() if hook == "stop" else on.action(hook), stage.state())
    assert set(the_cluster(app).tokens) == {"m1"}


def test_the_action_let_in_does_not_make_a_unit_leave(monkeypatch: pytest.MonkeyPatch):
    app = formed(2)
    stage = Stage(app, app.units["lxd/1"], monkeypatch)

    with pytest.raises(testing.ActionFailed, match="as the last member"):
        stage.context.run(stage.context.on.action("let-in"), stage.state())

    assert names(app) == ["m0", "m1"]


@pytest.mark.parametrize("gone", [[], [9]], ids=["no-other", "removed-by-force"])
def test_a_joiner_reads_the_data_of_a_member_whose_departure_was_announced(
    gone: list[int], monkeypatch: pytest.MonkeyPatch
):
    app = with_lone_leaver()
    app.publishing.add("lxd/0")
    app.hook("lxd/0")
    stage = Stage(app, app.units["lxd/1"], monkeypatch)
    # Juju does not tell of every departure: a removed member may stay listed.
    old = {unit: {"name": f"m{unit}", "cluster": app.databags["lxd/0"]["cluster"]} for unit in gone}
    stage.relation = replace(stage.relation, peers_data=old)

    def of(_: int, *, unit: str) -> dict[str, str]:
        return app.databags[unit]

    monkeypatch.setattr(hookcmds, "relation_get", of)

    out = stage.context.run(stage.context.on.update_status(), stage.state())

    assert names(app) == ["m0", "m1"]
    assert out.get_relation(stage.relation.id).local_unit_data["cluster"]


@pytest.mark.parametrize("generation", NAMES)
def test_what_a_failed_join_left_keeps_a_lone_leaver_from_nothing(generation: str):
    app = with_instance(formed(2, generation), "m0")
    without(app, "m1")
    note(app, "unit.m1", "")
    note(app, "admitted.m1", "lxd/1 0")
    app.databags["lxd/1"] |= {"attempt": "1", "cluster": '""'}
    app.add(2)
    leaving(app, "lxd/0")

    view = app.view("lxd/0")

    assert isinstance(view.lxd, ClusterView)
    assert view.peers is not None
    assert last_unit.expected(view, view.lxd, view.peers) == {"lxd/1", "lxd/2"}


def replaced(app: ModelApp, *leavers: str) -> ModelApp:
    """All old units are removed with `on-remove=abandon` while new ones wait to join."""
    app.options["on_remove"] = "abandon"
    for number in (5, 6):
        app.add(number)
        app.hook(f"lxd/{number}")
    return leaving(app, *leavers)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_what_a_new_member_can_take_is_not_abandoned(count: int):
    """The option was left from an earlier removal, and the operator replaces all machines."""
    app = formed(count)
    for number in range(count):
        with_instance(app, f"m{number}", name=f"c{number}")
    old = [f"lxd/{number}" for number in range(count)]
    replaced(app, *old)
    for unit in [*old, *old]:
        assert app.hook(unit).hold

    admits(app, "lxd/0", "lxd/5")
    app.leader = "lxd/5"
    app.settle()
    later(app, 30.0)
    for _ in range(4):
        for unit in old:
            if unit in app.units and not app.hook(unit).hold:
                app.remove(unit)

    assert len(locations(app)) == count
    assert set(locations(app).values()) <= {name for name in names(app) if name > "m2"}


def test_the_status_says_that_one_of_several_leavers_waits_for_new_units():
    app = with_instance(with_instance(formed(2), "m0"), "m1", name="c2")
    replaced(app, "lxd/0", "lxd/1")

    app.hook("lxd/0")

    status = str(app.hook("lxd/1").status)
    assert status == "waiting: to leave once one of 2 units has joined"


def test_a_unit_that_cannot_join_keeps_nobody_who_abandons():
    app = with_instance(formed(1), "m0")
    app.options["on_remove"] = "abandon"
    app.add(1)
    app.databags["lxd/1"] = {"key": app.databags["lxd/0"]["key"], "able": "false"}
    leaving(app, "lxd/0")

    assert app.hook("lxd/0").hold == ""


def test_what_nobody_could_take_is_abandoned_at_once():
    app = with_instance(formed(1), "m0", evacuate="stop")
    replaced(app, "lxd/0")

    assert app.hook("lxd/0").hold == ""
