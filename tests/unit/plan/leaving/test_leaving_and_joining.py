# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Units that leave while others join, bootstrap the cluster or wait for that."""

from __future__ import annotations

import pytest

from actions import form_again
from deadlines import JOIN
from records import member_marks
from state import peers
from state.facts import Forming
from steps.forming import AwaitJoin, ResetLxd
from tests.lxd_model.generations import NAMES
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import (
    cluster_api,
    give_join_lock,
    later,
    leaving,
    names,
    note,
    server,
    the_cluster,
    use_token,
    with_volume,
    without,
)


@pytest.mark.parametrize("healing", ["", "30"], ids=["offline", "healed"])
@pytest.mark.parametrize("generation", NAMES)
def test_a_leaver_removes_what_a_failed_join_left_behind(generation: str, healing: str):
    app = formed(1, generation)
    the_cluster(app).config["cluster.healing_threshold"] = healing
    unit = app.add(1)
    for name in ("lxd/1", "lxd/0", "lxd/0"):
        app.hook(name)
    app.hook("lxd/1", commit=False)
    assert names(app) == ["m0", "m1"]
    unit.machine.empty_lxd()
    app.databags["lxd/1"]["attempt"] = "1"
    leaving(app, "lxd/0")
    assert "until LXD has noticed that m1 is offline" in app.hook("lxd/0").hold

    later(app, 60.0)

    assert app.hook("lxd/0").hold == ""


def test_a_member_that_has_noted_its_unit_is_not_a_failed_join():
    app = leaving(formed(2), "lxd/0")
    app.databags["lxd/0"]["token"] = (
        '{"unit": "lxd/1", "name": "m1", "attempt": 0, "sealed": "x", "made": 1}'
    )
    app.databags["lxd/1"] |= {"able": "true", "attempt": "1"}
    note(app, member_marks.UNIT + "m1", "lxd/1 1")
    del app.databags["lxd/1"]["cluster"]
    without(app, "m1")

    assert "no other member is up" in app.hook("lxd/0").hold
    assert "m1" in names(app)


def test_a_leaver_that_hears_nothing_of_a_failed_join_says_what_lets_it_hear():
    app = with_token_out(formed(1))
    app.hook("lxd/1", commit=False)
    note(app, member_marks.UNIT + "m1", "")
    app.units["lxd/1"].machine.empty_lxd()
    later(app, 60.0)

    status = app.hook("lxd/0").status.message

    assert status == "lxd/0 cannot leave: m1 is down: start it, or restart this unit's agent"

    # Its agent has started again, and shows what the other unit has published meanwhile.
    app.databags["lxd/1"]["attempt"] = "1"
    app.hook("lxd/0")

    assert names(app) in ([], ["m0"])


def with_token_out(app: ModelApp) -> ModelApp:
    """The only member has made a token for another unit."""
    app.add(1)
    for name in ("lxd/1", "lxd/0", "lxd/0"):
        app.hook(name)
    assert app.own("lxd/0").token is not None
    return leaving(app, "lxd/0")


def test_one_that_leaves_waits_for_one_that_may_be_joining():
    app = use_token(with_token_out(formed(1)), "m1")

    assert app.hook("lxd/0").hold == ""
    assert str(AwaitJoin("m1")) in app.units["lxd/0"].shown_steps


def test_one_that_leaves_waits_for_nobody_whose_turn_is_over():
    app = use_token(with_token_out(formed(1)), "m1")
    give_join_lock(app, "- m0")
    app.remove("lxd/1")
    app.add(2)

    app.hook("lxd/0")

    assert str(AwaitJoin("m1")) not in app.units["lxd/0"].shown_steps


@pytest.mark.parametrize("generation", NAMES)
def test_one_that_leaves_cancels_a_token_that_nobody_used(generation: str):
    app = with_token_out(formed(1, generation))
    records = the_cluster(app)
    assert records.tokens

    assert app.hook("lxd/0").hold == ""
    assert records.tokens == {}


def test_a_named_bootstrap_unit_that_is_gone_is_replaced_though_its_data_is_still_there():
    app = ModelApp()
    for number in range(3):
        app.add(number)
    app.hook("lxd/0")
    gone = app.databags["lxd/0"]
    app.remove("lxd/0")
    app.databags["lxd/0"] = gone
    app.leader = "lxd/1"
    app.settle()

    assert names(app) == ["m1", "m2"]


def test_a_bootstrap_unit_that_is_gone_has_bootstrapped_all_the_same():
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
    assert len(app.cloud.databases) == 1


def test_a_cluster_of_one_that_holds_nothing_ends_and_the_operator_begins_again():
    app = formed(1)
    app.add(1)
    leaving(app, "lxd/0")
    assert app.hook("lxd/0").hold == ""
    app.remove("lxd/0")
    app.leader = "lxd/1"
    app.settle()
    assert str(app.plan("lxd/1").app_status) == (
        "blocked: no unit is a member any more; to begin again: run form-again"
    )

    app.app_data = peers.dump(form_again.form_again(app.view("lxd/1"), form_again.GONE))
    app.settle()

    assert str(app.plan("lxd/1").status) == "active: member m1, voter"


def test_a_bootstrap_unit_that_published_nothing_leaves_nothing_behind():
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


@pytest.mark.parametrize("generation", NAMES)
def test_the_status_of_a_leaver_says_that_lxd_does_not_answer(generation: str):
    app = formed(2, generation)
    the_cluster(app).headless = True
    leaving(app, "lxd/1")

    message = app.hook("lxd/1").status.message

    assert message.startswith("lxd/1 cannot leave, LXD does not answer: ")
    assert ")" not in message


@pytest.mark.parametrize("generation", NAMES)
def test_a_unit_that_leaves_in_a_hung_join_leaves_an_empty_lxd(generation: str):
    app = formed(2, generation)
    app.add(2)
    app.hook("lxd/2")
    unit = app.units["lxd/2"]
    unit.server.freeze()
    unit.machine.forming_ = Forming("join", app.cloud.now)
    leaving(app, "lxd/2")
    assert "LXD does not answer" in app.hook("lxd/2").hold
    later(app, JOIN + 1)

    assert app.hook("lxd/2").hold == ""
    assert unit.server.silence() is None
    assert not unit.server.records.clustered


def test_a_leaving_unit_makes_no_token_and_takes_no_part_in_the_queue():
    app = formed(3)
    app.add(3)
    leaving(with_volume(app, "m2"), "lxd/2")
    for _ in range(4):
        for unit in ("lxd/0", "lxd/1", "lxd/3"):
            app.hook(unit)

    assert app.own("lxd/3").cluster
    assert "lxd/2" not in [entry.unit for entry in app.app().queue]


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


def test_a_unit_that_is_gone_and_still_queued_keeps_nobody_from_admitting():
    app = formed(3)
    server(app, "m2").power_off()
    cluster_api(app).members.remove("m2")
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
