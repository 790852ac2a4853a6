"""How a unit leaves: everything moves first, and what cannot move holds it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

import actions
import marks
import peers
import turns
from deadlines import JOIN
from plan import make_plan
from steps import AbandonMember, Evacuate, LeaveCluster, ResetLxd
from tests.unit.deeds import leaving, the_cluster, with_instance, with_volume, without
from tests.unit.model_units import ModelApp, formed
from view import Events, Forming, Instance


def test_an_empty_member_leaves():
    app = leaving(formed(3), "lxd/2")

    plan = app.hook("lxd/2")

    assert plan.hold == ""
    assert sorted(the_cluster(app).members) == ["m0", "m1"]
    assert not app.units["lxd/2"].lxd.server_.clustered


def test_instances_move_before_their_member_leaves():
    app = leaving(with_instance(formed(3), "m2"), "lxd/2")

    plan = app.hook("lxd/2")

    assert plan.hold == ""
    assert [i.location for i in the_cluster(app).instances] == ["m0"]


def test_all_but_one_can_leave_one_after_the_other():
    app = leaving(with_instance(formed(4), "m3"), "lxd/1", "lxd/2", "lxd/3")

    holds = [app.hook(unit).hold for unit in ("lxd/3", "lxd/2", "lxd/1")]

    assert holds == ["", "", ""]
    assert sorted(the_cluster(app).members) == ["m0"]
    assert [i.location for i in the_cluster(app).instances] == ["m0"]


def test_those_who_stay_are_a_healthy_cluster():
    app = leaving(formed(3), "lxd/0")
    app.hook("lxd/0")
    app.remove("lxd/0")
    app.leaving.clear()
    app.leader = "lxd/1"
    app.settle()

    assert str(app.plan("lxd/1").app_status) == (
        "active: 2 members, 1 voter; add units: three survive a loss"
    )


HOLDING: list[tuple[Callable[[], ModelApp], dict[str, object], str]] = [
    (
        lambda: with_volume(formed(3), "m2"),
        {},
        "volume default/local/data: copy it to another member, or delete it",
    ),
    (
        lambda: with_instance(formed(3), "m2", "stop"),
        {},
        "default/c1: cluster.evacuate=stop: move or delete it",
    ),
    (
        lambda: with_instance(formed(3), "m2"),
        {"on_remove": "refuse"},
        "default/c1: is here, and on-remove=refuse",
    ),
    (lambda: formed(3), {"min_voters": 3}, "min-voters=3: only 1 voter would stay"),
    (
        lambda: without(formed(3), "m0"),
        {},
        "the database would lose its quorum while m0 is down",
    ),
    (lambda: without(formed(2), "m1"), {}, "no other member is up"),
]


@pytest.mark.parametrize(("make", "options", "reason"), HOLDING, ids=lambda v: str(v)[:40])
def test_what_holds_a_unit_is_named(
    make: Callable[[], ModelApp], options: dict[str, object], reason: str
):
    app = make()
    unit = "lxd/0" if len(app.units) == 2 else "lxd/2"
    leaving(app, unit)
    app.options |= options
    before = (dict(the_cluster(app).members), list(the_cluster(app).instances))

    plan = app.hook(unit)

    assert reason in plan.hold
    assert (dict(the_cluster(app).members), list(the_cluster(app).instances)) == before


def test_a_member_whose_unit_is_gone_counts_as_down():
    app = leaving(formed(3), "lxd/2")
    app.remove("lxd/1")

    assert "m1 has no unit: lxc cluster evacuate and remove it" in app.hook("lxd/2").hold
    without(app, "m1")
    app.leader = "lxd/0"

    assert app.hook("lxd/2").hold == ""
    assert sorted(the_cluster(app).members) == ["m0"]


def test_a_dead_member_is_removed_though_what_is_known_of_a_unit_is_old():
    app = leaving(formed(3), "lxd/2")
    app.remove("lxd/1")
    app.add(3)
    without(app, "m1")

    assert app.hook("lxd/2").hold == ""
    assert sorted(the_cluster(app).members) == ["m0"]


def test_a_dead_member_whose_unit_juju_has_is_not_removed_whatever_is_known_of_it():
    app = formed(3)
    app.databags["lxd/1"] = {}
    without(app, "m1")
    app.hook("lxd/0")

    assert "m1" in the_cluster(app).members


def test_a_voter_that_died_a_moment_ago_counts_as_down():
    app = leaving(formed(3), "lxd/2")
    app.units["lxd/2"].lxd.cut_off = frozenset({"m1"})

    assert "lose its quorum while m1 is down" in app.hook("lxd/2").hold


def test_what_did_not_move_in_an_evacuation_is_named():
    app = leaving(with_instance(formed(3), "m2"), "lxd/2")
    cluster = the_cluster(app)
    cluster.members["m2"] = replace(cluster.members["m2"], status="EVACUATED")

    assert "default/c1: did not move (already evacuated): move or delete it" in (
        app.hook("lxd/2").hold
    )


def test_what_an_evacuation_that_was_cut_short_left_behind_is_moved():
    app = leaving(formed(3), "lxd/2")
    cluster = the_cluster(app)
    cluster.instances.append(Instance("default", "c1", "m2"))
    cluster.members["m2"] = replace(cluster.members["m2"], status="EVACUATED")

    plan = app.hook("lxd/2")

    assert plan.hold == ""
    assert [i.location for i in cluster.instances] == ["m0"]


@pytest.mark.parametrize(
    ("extensions", "held"), [(set[str](), True), ({"explicit_trust_token"}, False)]
)
def test_lxd_5_0_would_lose_the_database_with_the_last_but_one(extensions: set[str], held: bool):
    app = leaving(formed(2), "lxd/0")
    cluster = the_cluster(app)
    cluster.members["m1"] = replace(cluster.members["m1"], roles=frozenset())
    lxd = app.units["lxd/0"].lxd
    lxd.server_ = replace(lxd.server_, extensions=frozenset(extensions))

    hold = app.hook("lxd/0").hold

    assert ("m1 has no copy of the database: add a unit first" in hold) is held


@pytest.mark.parametrize("extensions", [set[str](), {"explicit_trust_token"}])
def test_the_last_but_one_waits_until_lxd_has_given_new_roles(extensions: set[str]):
    app = leaving(formed(2), "lxd/0")
    cluster = the_cluster(app)
    cluster.members["m1"] = replace(cluster.members["m1"], roles=frozenset({"database"}))
    lxd = app.units["lxd/0"].lxd
    lxd.server_ = replace(lxd.server_, extensions=frozenset(extensions))

    app.hook("lxd/0")

    assert ("m0" in cluster.members) is (extensions == set())


def test_a_leaver_removes_what_a_failed_join_left_behind():
    app = formed(1)
    app.add(1)
    for name in ("lxd/1", "lxd/0", "lxd/0"):
        app.hook(name)
    cluster = the_cluster(app)
    ghost = replace(cluster.members["m0"], name="m1", address="10.0.0.2", roles=frozenset())
    cluster.members["m1"] = ghost
    app.databags["lxd/1"]["attempt"] = "1"
    leaving(app, "lxd/0")
    assert "until LXD has noticed that m1 is offline" in app.hook("lxd/0").hold

    cluster.members["m1"] = replace(ghost, status="OFFLINE")

    assert app.hook("lxd/0").hold == ""


def test_a_member_that_has_said_whose_it_is_is_no_failed_join_whatever_is_seen_of_its_unit():
    app = leaving(formed(2), "lxd/0")
    app.databags["lxd/0"]["token"] = (
        '{"unit": "lxd/1", "name": "m1", "attempt": 0, "sealed": "x", "made": 1}'
    )
    app.databags["lxd/1"] |= {"able": "true", "attempt": "1"}
    the_cluster(app).notes[marks.UNIT + "m1"] = "lxd/1 1"
    del app.databags["lxd/1"]["cluster"]
    without(app, "m1")

    assert "no other member is up" in app.hook("lxd/0").hold
    assert "m1" in the_cluster(app).members


def test_what_ran_before_the_first_try_runs_after_the_second():
    app = leaving(with_instance(formed(3), "m2"), "lxd/2")
    app.units["lxd/2"].lxd.fail_evacuation = "EOF"
    assert app.hook("lxd/2").hold
    cluster = the_cluster(app)
    cluster.instances = [replace(i, running=False) for i in cluster.instances]

    assert app.hook("lxd/2").hold == ""
    assert [(i.location, i.running) for i in cluster.instances] == [("m0", True)]


def test_what_an_evacuation_stopped_and_a_later_one_moved_is_started():
    app = leaving(with_instance(formed(3), "m2"), "lxd/2")
    lxd = app.units["lxd/2"].lxd
    lxd.fail_evacuation = "Target node is offline"
    app.units["lxd/2"].lxd.fail_move = "Target node is offline"
    assert app.hook("lxd/2").hold
    cluster = the_cluster(app)
    cluster.instances = [replace(i, running=False) for i in cluster.instances]
    lxd.fail_evacuation = lxd.fail_move = ""

    assert app.hook("lxd/2").hold == ""
    assert [(i.location, i.running) for i in cluster.instances] == [("m0", True)]


def test_the_leader_tells_what_holds_another_unit():
    app = leaving(with_volume(formed(3), "m2"), "lxd/2")

    status = app.plan("lxd/0").app_status

    assert str(status) == (
        "blocked: lxd/2 cannot leave: volume default/local/data: copy it to another member, or..."
    )


def test_abandon_moves_what_can_move_and_leaves_the_rest():
    app = leaving(with_volume(with_instance(formed(3), "m2"), "m2"), "lxd/2")
    app.options["on_remove"] = "abandon"

    plan = app.hook("lxd/2")

    assert plan.hold == ""
    assert sorted(the_cluster(app).members) == ["m0", "m1"]
    assert [i.location for i in the_cluster(app).instances] == ["m0"]


def test_the_steps_of_each_stage():
    app = leaving(with_instance(formed(3), "m2"), "lxd/2")
    cluster = the_cluster(app)
    mark = app.plan("lxd/2").steps
    cluster.notes["user.lxd-cluster.leaving.m2"] = "leaving"
    first = app.plan("lxd/2").steps
    cluster.instances.clear()
    cluster.members["m2"] = replace(cluster.members["m2"], status="EVACUATED")
    turn = app.plan("lxd/2").steps
    cluster.notes["user.lxd-cluster.leaving.m2"] = "going"
    second = app.plan("lxd/2").steps
    app.options["on_remove"] = "abandon"
    with_volume(app, "m2")
    third = app.plan("lxd/2").steps

    assert [str(step) for step in mark] == ["note user.lxd-cluster.leaving.m2=leaving"]
    assert first == (Evacuate("m2", "1 instance"),)
    assert [str(step) for step in turn] == ["note user.lxd-cluster.leaving.m2=going"]
    assert second == (LeaveCluster("m2"),)
    assert third == (AbandonMember("m2", ("volume default/local/data",)),)


def test_when_the_application_goes_no_member_is_torn_from_another():
    app = leaving(with_volume(formed(3), "m2"), "lxd/0", "lxd/1", "lxd/2")

    plans = [app.hook(unit) for unit in app.units]

    assert [plan.hold for plan in plans] == ["", "", ""]
    assert len(the_cluster(app).members) == 3


def with_token_out(app: ModelApp) -> ModelApp:
    """The only member has made a token for another unit."""
    app.add(1)
    for name in ("lxd/1", "lxd/0", "lxd/0"):
        app.hook(name)
    assert app.own("lxd/0").token is not None
    return leaving(app, "lxd/0")


def test_one_that_leaves_waits_for_one_that_may_be_joining():
    app = with_token_out(formed(1))
    the_cluster(app).tokens.clear()

    assert app.hook("lxd/0").hold == ""
    assert app.units["lxd/0"].lxd.awaited == ["m1"]


def test_one_that_leaves_waits_for_nobody_whose_turn_is_over():
    app = with_token_out(formed(1))
    cluster = the_cluster(app)
    cluster.tokens.clear()
    cluster.notes.pop(turns.KEY)
    app.remove("lxd/1")
    app.add(2)

    app.hook("lxd/0")

    assert app.units["lxd/0"].lxd.awaited == []


def test_one_that_leaves_cancels_a_token_that_nobody_used():
    app = with_token_out(formed(1))
    cluster = the_cluster(app)

    assert app.hook("lxd/0").hold == ""
    assert cluster.tokens == {}


def test_a_named_founder_that_is_gone_is_replaced_though_its_data_is_still_there():
    app = ModelApp()
    for number in range(3):
        app.add(number)
    app.hook("lxd/0")
    gone = app.databags["lxd/0"]
    app.remove("lxd/0")
    app.databags["lxd/0"] = gone
    app.leader = "lxd/1"
    app.settle()

    assert sorted(the_cluster(app).members) == ["m1", "m2"]


def test_a_founder_that_is_gone_has_founded_all_the_same():
    app = ModelApp()
    for number in range(3):
        app.add(number)
    for name in ("lxd/0", "lxd/0", "lxd/1"):
        app.hook(name)
    assert app.own("lxd/0").cluster
    assert not app.app().cluster
    gone = app.databags["lxd/0"]
    app.remove("lxd/0")
    app.databags["lxd/0"] = gone
    app.leader = "lxd/1"
    for name in ("lxd/1", "lxd/2", "lxd/1", "lxd/2"):
        app.hook(name)

    assert app.app().cluster
    assert len(app.clusters) == 1


def test_the_only_member_does_not_go_with_what_it_holds():
    app = with_instance(formed(1), "m0")
    app.add(1)
    leaving(app, "lxd/0")

    assert "default/c1: no other member can take it: export or delete it" in app.hook("lxd/0").hold


def test_a_cluster_of_one_that_holds_nothing_ends_and_the_operator_begins_again():
    app = formed(1)
    app.add(1)
    leaving(app, "lxd/0")
    assert app.hook("lxd/0").hold == ""
    app.remove("lxd/0")
    app.leaving.clear()
    app.leader = "lxd/1"
    app.settle()
    assert str(app.plan("lxd/1").app_status) == (
        "blocked: no unit is a member any more; to begin again: run form-again"
    )

    app.app_data = peers.dump(actions.form_again(app.view("lxd/1"), actions.GONE))
    app.settle()

    assert str(app.plan("lxd/1").status) == "active: member m1, voter"


def test_an_evacuation_that_fails_holds_the_unit():
    app = leaving(with_instance(formed(3), "m2"), "lxd/2")
    app.units["lxd/2"].lxd.fail_evacuation = "Failed to migrate c1"

    plan = app.hook("lxd/2")

    assert "default/c1: did not move (Failed to migrate c1)" in plan.hold
    assert "m2" in the_cluster(app).members


def test_a_founder_that_told_nobody_leaves_nothing_behind():
    app = ModelApp()
    app.add(0)
    app.add(1)
    app.hook("lxd/0")
    app.hook("lxd/0", commit=False)
    leaving(app, "lxd/0")

    assert isinstance(app.plan("lxd/0").steps[0], ResetLxd)
    assert app.hook("lxd/0").hold == ""


def test_a_unit_that_never_joined_is_let_go():
    app = formed(2)
    app.add(2)
    app.hook("lxd/2")
    leaving(app, "lxd/2")

    assert app.hook("lxd/2").hold == ""


def test_a_silent_member_is_not_let_go_even_if_what_it_holds_may_be_left_behind():
    app = leaving(formed(3), "lxd/2")
    app.units["lxd/2"].lxd.running = False
    app.options["on_remove"] = "abandon"

    assert "juju remove-unit --force lxd/2" in app.hook("lxd/2").hold


def test_of_two_silent_members_that_leave_only_one_is_to_recover_the_database():
    app = leaving(leaving(formed(3), "lxd/1"), "lxd/2")
    for unit in ("lxd/1", "lxd/2"):
        app.units[unit].lxd.running = False

        assert "on one member only: lxd cluster recover" in app.hook(unit).hold


def test_a_silent_member_that_no_other_shares_a_cluster_with_may_be_abandoned():
    app = formed(1)
    app.add(1)
    leaving(app, "lxd/0")
    app.units["lxd/0"].lxd.running = False

    assert "on-remove=abandon" in app.hook("lxd/0").hold
    app.options["on_remove"] = "abandon"
    assert app.hook("lxd/0").hold == ""


def test_a_unit_that_leaves_in_a_hung_join_leaves_an_empty_lxd():
    app = formed(2)
    app.add(2)
    app.hook("lxd/2")
    unit = app.units["lxd/2"]
    unit.lxd.running = False
    unit.machine.forming_ = Forming("join", app.now)
    leaving(app, "lxd/2")
    assert "LXD does not answer" in app.hook("lxd/2").hold
    app.now += JOIN + 1

    assert app.hook("lxd/2").hold == ""
    assert unit.lxd.running
    assert not unit.lxd.server_.clustered


def test_a_leaving_unit_makes_no_token_and_takes_no_part_in_the_queue():
    app = formed(3)
    app.add(3)
    leaving(with_volume(app, "m2"), "lxd/2")
    for _ in range(4):
        for unit in ("lxd/0", "lxd/1", "lxd/3"):
            app.hook(unit)

    assert app.own("lxd/3").cluster
    assert "lxd/2" not in [place.unit for place in app.app().queue]


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_leader_that_is_held_keeps_nobody_from_joining(number: int):
    app = formed(3)
    app.leader = f"lxd/{number}"
    leaving(app, app.leader)
    app.options["min_voters"] = 3
    app.add(3)
    assert "min-voters=3" in app.hook(app.leader).hold
    for _ in range(4):
        for unit in sorted(set(app.units) - {app.leader}):
            app.hook(unit)

    assert app.own("lxd/3").cluster
    assert app.hook(app.leader).hold == ""


TURNS = [
    ({"m1": "going", "m2": "leaving"}, "wait until m1 has left"),
    ({"m1": "going", "m2": "going"}, "note user.lxd-cluster.leaving.m2=leaving"),
    ({"m3": "going", "m2": "going"}, "take m2 out of the cluster"),
    ({"m1": "leaving", "m2": "going"}, "take m2 out of the cluster"),
    ({"m9": "going", "m2": "going"}, "take m2 out of the cluster"),
]


@pytest.mark.parametrize(("words", "step"), TURNS, ids=str)
def test_members_leave_one_at_a_time(words: dict[str, str], step: str):
    app = leaving(formed(4), "lxd/1", "lxd/2", "lxd/3")
    cluster = the_cluster(app)
    cluster.members["m2"] = replace(cluster.members["m2"], status="EVACUATED")
    cluster.notes.update({f"user.lxd-cluster.leaving.{m}": w for m, w in words.items()})
    view = replace(app.view("lxd/2"), events=Events(evacuation=""))

    assert [str(s) for s in make_plan(view).steps] == [step]


def test_one_that_leaves_waits_for_no_member_whose_unit_is_gone():
    app = leaving(formed(4), "lxd/3")
    cluster = the_cluster(app)
    cluster.members["m3"] = replace(cluster.members["m3"], status="EVACUATED")
    cluster.notes["user.lxd-cluster.leaving.m3"] = "leaving"
    cluster.notes["user.lxd-cluster.leaving.m1"] = "going"
    app.remove("lxd/1")
    view = replace(app.view("lxd/3"), events=Events(evacuation=""))

    assert [str(s) for s in make_plan(view).steps] == ["note user.lxd-cluster.leaving.m3=going"]


def test_a_unit_that_is_gone_and_still_queued_keeps_nobody_from_admitting():
    app = formed(3)
    del the_cluster(app).members["m2"]
    gone = app.databags["lxd/2"]
    app.remove("lxd/2")
    app.databags["lxd/2"] = gone
    leaving(app, "lxd/0")
    app.options["min_voters"] = 3
    app.hook("lxd/0")
    app.add(3)
    for _ in range(3):
        app.hook("lxd/3")
        app.hook("lxd/1")

    assert app.own("lxd/3").cluster


def test_what_the_others_need_of_the_database_cannot_be_abandoned():
    app = leaving(formed(3), "lxd/2")
    app.options["min_voters"] = 3

    assert "on-remove=abandon" not in app.hook("lxd/2").hold


def test_the_mark_of_a_member_that_has_left_is_cleared():
    app = leaving(formed(3), "lxd/2")
    app.hook("lxd/2")
    app.remove("lxd/2")
    app.leaving.clear()
    app.settle()

    assert marks.leaving(app.view("lxd/0").lxd) == frozenset()  # pyright: ignore[reportArgumentType]
