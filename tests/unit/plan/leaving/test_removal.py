# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""How a unit leaves: its duties to the others, what holds it, and which member leaves first.

The instances are tested in test_leavers_on_lxd.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

import deadlines
from act import step as act_step
from records import member_marks
from state.view import RunHistory
from steps.leaving import AbandonMember, AwaitLeave, AwaitRoles
from tests.lxd_model import by_hand, evacuation
from tests.lxd_model.generations import NAMES
from tests.lxd_model.records import Role
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import (
    cluster_api,
    later,
    leaving,
    locations,
    names,
    note,
    notes,
    server,
    the_cluster,
    with_instance,
    with_volume,
    without,
)


@pytest.mark.parametrize("generation", NAMES)
def test_an_empty_member_leaves(generation: str):
    app = leaving(formed(3, generation), "lxd/2")

    plan = app.hook("lxd/2")

    assert plan.hold == ""
    assert names(app) == ["m0", "m1"]
    assert not app.units["lxd/2"].server.records.clustered


@pytest.mark.parametrize("generation", NAMES)
def test_all_but_one_can_leave_one_after_the_other(generation: str):
    app = leaving(with_instance(formed(4, generation), "m3"), "lxd/1", "lxd/2", "lxd/3")

    holds = [app.hook(unit).hold for unit in ("lxd/3", "lxd/2", "lxd/1")]

    assert holds == ["", "", ""]
    assert names(app) == ["m0"]
    assert locations(app) == {"c1": "m0"}


@pytest.mark.parametrize("generation", NAMES)
def test_those_who_stay_are_a_healthy_cluster(generation: str):
    app = leaving(formed(3, generation), "lxd/0")
    app.hook("lxd/0")
    app.remove("lxd/0")
    app.leader = "lxd/1"
    app.settle()

    # The Raft leader has left: whether LXD lets one of the two vote then, or both, is random.
    assert str(app.plan("lxd/1").app_status) in (
        "active: 2 members, 1 voter; add units: three survive a loss",
        "active: 2 members, 2 voters; add units: three survive a loss",
    )


HOLDING: list[tuple[Callable[[str], ModelApp], dict[str, object], str]] = [
    (
        lambda g: with_volume(formed(3, g), "m2"),
        {},
        "volume default/local/data: copy it to another member, or delete it",
    ),
    (
        lambda g: with_instance(formed(3, g), "m2", "stop"),
        {},
        "default/c1: cluster.evacuate=stop: move or delete it",
    ),
    (
        lambda g: with_instance(formed(3, g), "m2"),
        {"on_remove": "refuse"},
        "default/c1: on-remove=refuse keeps it here",
    ),
    (lambda g: formed(3, g), {"min_voters": 3}, "min-voters=3: only 1 voter would stay"),
    (
        lambda g: formed(7, g),
        {"min_voters": 4},
        "min-voters=4: lxc config set cluster.max_voters 5, or lower it",
    ),
    (lambda g: without(formed(2, g), "m1"), {}, "no other member is up"),
]
HELD = ("volume", "stays", "refuse", "voters", "LXD has fewer voters", "alone")


@pytest.mark.parametrize("generation", NAMES)
@pytest.mark.parametrize(("make", "options", "reason"), HOLDING, ids=HELD)
def test_what_holds_a_unit_is_named(
    make: Callable[[str], ModelApp], options: dict[str, object], reason: str, generation: str
):
    app = make(generation)
    unit = "lxd/0" if len(app.units) == 2 else "lxd/2"
    leaving(app, unit)
    app.options |= options
    before = (names(app), the_cluster(app).instances.copy())

    plan = app.hook(unit)

    assert reason in plan.hold
    assert (names(app), the_cluster(app).instances) == before


@pytest.mark.parametrize("generation", ["5.0", "5.21"])
def test_a_voter_that_is_down_holds_the_others(generation: str):
    app = leaving(without(formed(3, generation), "m0"), "lxd/2")

    hold = app.hook("lxd/2").hold

    assert "the database would lose its quorum while m0 is down" in hold
    assert names(app) == ["m0", "m1", "m2"]


def test_lxd_6_takes_the_vote_of_a_member_that_is_down():
    app = leaving(without(formed(3, "6.9"), "m0"), "lxd/2")

    assert app.hook("lxd/2").hold == ""
    assert names(app) == ["m0", "m1"]


@pytest.mark.parametrize("generation", NAMES)
def test_a_member_whose_unit_is_gone_counts_as_down(generation: str):
    app = leaving(formed(3, generation), "lxd/2")
    app.remove("lxd/1")

    hold = app.hook("lxd/2").hold

    assert "m1 has no unit: move what it holds, then lxc cluster remove it" in hold
    without(app, "m1")

    assert app.hook("lxd/2").hold == ""
    assert names(app) == ["m0"]


def test_a_dead_member_is_removed_though_what_is_known_of_a_unit_is_old():
    app = leaving(formed(3), "lxd/2")
    app.remove("lxd/1")
    app.add(3)
    without(app, "m1")

    assert app.hook("lxd/2").hold == ""
    assert names(app) == ["m0"]


def test_a_dead_member_whose_unit_juju_has_is_not_removed_whatever_is_known_of_it():
    app = formed(3)
    app.databags["lxd/1"] = {}
    without(app, "m1")
    app.hook("lxd/0")

    assert "m1" in names(app)


@pytest.mark.parametrize("generation", NAMES)
def test_a_voter_that_died_a_moment_ago_counts_as_down(generation: str):
    app = leaving(formed(3, generation), "lxd/2")
    server(app, "m1").power_off()

    assert "lose its quorum while m1 is down" in app.hook("lxd/2").hold


@pytest.mark.parametrize("generation", NAMES)
def test_what_an_evacuation_that_was_cut_short_left_behind_is_moved(generation: str):
    app = leaving(with_instance(formed(3, generation), "m2"), "lxd/2")
    leaver = server(app, "m2")
    by_hand.create(leaver, "c2")
    evacuation.evacuation(leaver, "m2")
    later(app, 1.0)
    leaver.restart()
    later(app, 30.0)
    assert locations(app) == {"c1": "m2", "c2": "m2"}

    plan = app.hook("lxd/2")

    assert plan.hold == ""
    assert names(app) == ["m0", "m1"]
    assert {i.name: i.running for i in the_cluster(app).instances.values()} == {
        "c1": True,
        "c2": False,
    }


@pytest.mark.parametrize(("generation", "held"), [("5.0", True), ("5.21", False), ("6.9", True)])
def test_lxd_5_0_and_6_9_would_lose_the_database_with_the_last_but_one(generation: str, held: bool):
    app = leaving(formed(3, generation), "lxd/2")
    app.hook("lxd/2")
    app.remove("lxd/2")
    assert the_cluster(app).rows["m1"].role is Role.SPARE
    leaving(app, "lxd/0")

    hold = app.hook("lxd/0").hold

    assert ("m1 has no copy of the database: add a unit first" in hold) is held
    assert names(app) == (["m0", "m1"] if held else ["m1"])


@pytest.mark.parametrize("generation", NAMES)
@pytest.mark.parametrize("lasting", [False, True], ids=["for a moment", "for good"])
def test_the_last_but_one_waits_until_lxd_has_given_new_roles(generation: str, lasting: bool):
    app = leaving(formed(2, generation), "lxd/0")
    # The third has left.
    the_cluster(app).rows["m1"].role = Role.VOTER
    the_cluster(app).handed_over = lasting

    app.hook("lxd/0")

    assert str(AwaitRoles()) in app.units["lxd/0"].shown_steps
    assert ("m0" in names(app)) is (generation != "5.21" and not lasting)


def test_the_leader_shows_what_holds_another_unit():
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
    assert names(app) == ["m0", "m1"]
    assert locations(app) == {"c1": "m0"}


@pytest.mark.parametrize("generation", NAMES)
def test_the_steps_of_each_stage(generation: str):
    app = leaving(with_instance(formed(3, generation), "m2"), "lxd/2")
    shown_steps = app.units["lxd/2"].shown_steps
    shown_steps.clear()

    app.hook("lxd/2")

    assert shown_steps == [
        "note leaving.m2=leaving",
        "let LXD place nothing new on m2",
        "move default/c1 to m0",
        "note leaving.m2=going",
        "take m2 out of the cluster",
    ]


@pytest.mark.parametrize("generation", NAMES)
def test_what_stays_is_left_behind_by_the_operators_word_alone(generation: str):
    app = leaving(with_volume(formed(3, generation), "m2"), "lxd/2")
    app.options["on_remove"] = "abandon"

    app.hook("lxd/2")

    step = AbandonMember("m2", ("volume default/local/data",), "10.0.0.3")
    assert app.units["lxd/2"].shown_steps[-1] == str(step)


def test_the_only_member_does_not_go_with_what_it_holds():
    app = with_instance(formed(1), "m0")
    app.add(1)
    leaving(app, "lxd/0")

    assert "default/c1: no other member can take it: export or delete it" in app.hook("lxd/0").hold


def test_a_silent_member_is_not_let_go_even_if_what_it_holds_may_be_left_behind():
    app = leaving(formed(3), "lxd/2")
    app.units["lxd/2"].server.freeze()
    app.options["on_remove"] = "abandon"

    assert "juju remove-unit --force lxd/2" in app.hook("lxd/2").hold


def test_only_one_of_two_silent_members_that_leave_recovers_the_database():
    app = leaving(leaving(formed(3), "lxd/1"), "lxd/2")
    for unit in ("lxd/1", "lxd/2"):
        app.units[unit].server.freeze()

    # LXD's own command would make two clusters; the action refuses it to one of the two.
    for unit in ("lxd/1", "lxd/2"):
        hold = app.hook(unit).hold

        assert f"juju run {unit} recover-quorum" in hold
        assert "recover-from-quorum-loss" not in hold


def test_a_silent_member_that_no_other_shares_a_cluster_with_may_be_abandoned():
    app = formed(1)
    app.add(1)
    leaving(app, "lxd/0")
    app.units["lxd/0"].server.freeze()

    assert "on-remove=abandon" in app.hook("lxd/0").hold
    app.options["on_remove"] = "abandon"
    assert app.hook("lxd/0").hold == ""


TURNS = [
    ({"m1": "going", "m2": "leaving"}, "wait until m1 has left"),
    ({"m1": "going", "m2": "going"}, "note leaving.m2=leaving"),
    # m3 may have looked before this mark: it is leaving, or gives way.
    ({"m3": "going", "m2": "going"}, "wait until m3 has left"),
    ({"m3": "leaving", "m2": "going"}, "take m2 out of the cluster"),
    ({"m1": "leaving", "m2": "going"}, "take m2 out of the cluster"),
    ({"m9": "going", "m2": "going"}, "take m2 out of the cluster"),
]


@pytest.mark.parametrize(("words", "step"), TURNS, ids=str)
def test_members_leave_one_at_a_time(words: dict[str, str], step: str):
    app = leaving(formed(4), "lxd/1", "lxd/2", "lxd/3")
    cluster_api(app).members.close("m2")
    for member, word in words.items():
        note(app, member_marks.PREFIX + member, word)

    assert [str(s) for s in app.plan("lxd/2").steps] == [step]


def test_one_that_leaves_waits_no_longer_for_a_member_that_gives_way():
    app = leaving(formed(4), "lxd/1", "lxd/2")
    note(app, member_marks.PREFIX + "m1", member_marks.LEAVING)
    begin = app.cloud.now

    act_step.act(AwaitLeave("m1"), "lxd/2", app.units["lxd/2"].ports, RunHistory())

    assert app.cloud.now - begin < deadlines.LEAVE / 2


@pytest.mark.parametrize("kept", ["", "yes"], ids=["just-gone", "keeps-running"])
def test_one_that_leaves_waits_for_no_member_whose_unit_is_gone(kept: str):
    app = leaving(formed(4), "lxd/3")
    note(app, member_marks.OF_OPERATOR + "m1", kept)
    cluster_api(app).members.close("m3")
    note(app, member_marks.PREFIX + "m3", "leaving")
    note(app, member_marks.PREFIX + "m1", "going")
    app.remove("lxd/1")

    assert [str(s) for s in app.plan("lxd/3").steps] == ["note leaving.m3=going"]


def test_what_the_others_need_of_the_database_cannot_be_abandoned():
    app = leaving(formed(3), "lxd/2")
    app.options["min_voters"] = 3

    assert "on-remove=abandon" not in app.hook("lxd/2").hold


@pytest.mark.parametrize("generation", NAMES)
def test_the_mark_of_a_member_that_has_left_is_cleared(generation: str):
    app = leaving(formed(3, generation), "lxd/2")
    app.hook("lxd/2")
    assert member_marks.PREFIX + "m2" in notes(app)
    app.remove("lxd/2")
    app.settle()

    assert not [name for name in notes(app) if name.startswith(member_marks.PREFIX)]


@pytest.mark.parametrize("generation", ["6.9"])
def test_the_only_voter_stays_while_all_others_are_evacuated(generation: str):
    """6.9 takes an evacuated member's role away. The database would go with its last voter."""
    app = with_instance(formed(3, generation), "m1", "stop")
    for name in ("m1", "m2"):
        by_hand.evacuate(server(app, "m0"), name)
        later(app, 60.0)
        app.settle()

    hold = leaving(app, "lxd/0").hook("lxd/0").hold

    assert "lxc cluster restore m1 first: no other member has the database" in hold
    assert "m0" in names(app)
    for name in ("m1", "m2"):
        by_hand.restore(server(app, "m0"), name)
    later(app, 60.0)
    assert app.hook("lxd/0").hold == ""
    assert names(app) == ["m1", "m2"]
