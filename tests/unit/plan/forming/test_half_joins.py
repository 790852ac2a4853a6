# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""What joins leave that fail half way, and which unit removes it."""

from __future__ import annotations

import pytest

from act import forming
from actions import form_again, refusal
from deadlines import JOIN
from state.view import RunHistory
from steps.forming import ResetLxd
from steps.server import WriteNotes
from tests.lxd_model import by_hand
from tests.lxd_model.generations import NAMES
from tests.unit.joins import kill_in_join
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import SILENT, later, names, server, the_cluster, with_instance, without
from values.status import Kind


@pytest.mark.parametrize("healing", ["", "30"], ids=["offline", "healed"])
@pytest.mark.parametrize("generation", NAMES)
def test_what_a_failed_join_left_in_the_cluster_is_removed(generation: str, healing: str):
    app = formed(2, generation)
    the_cluster(app).config["cluster.healing_threshold"] = healing
    unit = app.add(2)
    for name in ("lxd/2", "lxd/0", "lxd/1"):
        app.hook(name)
    assert app.own("lxd/1").token is not None
    app.hook("lxd/2", commit=False)
    unit.machine.empty_lxd()
    unit.machine.forget_forming()
    later(app, SILENT)
    app.databags["lxd/2"]["attempt"] = "1"
    app.settle()

    assert app.own("lxd/2").cluster
    assert the_cluster(app).rows["m2"].server == unit.server.machine
    assert str(app.plan("lxd/2").status) == "active: member m2, voter"


@pytest.mark.parametrize("generation", NAMES)
def test_a_failure_is_published_although_the_hook_of_the_reset_was_killed(generation: str):
    """The status told to bring back a member that never was one."""
    app = formed(2, generation)
    unit = app.add(2)
    for name in ("lxd/2", "lxd/0", "lxd/1"):
        app.hook(name)
    app.hook("lxd/2", commit=False)
    note = ResetLxd("its join did not end in 120 s", app.own("lxd/2").attempt + 1)
    forming.reset_lxd(note, "lxd/2", unit.ports, RunHistory())

    del app.databags["lxd/1"]["token"]
    later(app, SILENT)
    app.settle()

    assert str(app.plan("lxd/2").status) == (
        "blocked: an offline member has this name: lxc cluster remove --force m2"
    )


def with_a_half_join(app: ModelApp) -> ModelApp:
    """A failed join left a dead member; its unit's machine was renamed meanwhile."""
    unit = app.add(2)
    for name in ("lxd/2", "lxd/0", "lxd/1"):
        app.hook(name)
    app.hook("lxd/2", commit=False)
    unit.machine.empty_lxd()
    unit.machine.forget_forming()
    later(app, SILENT)
    unit.server.hostname = "renamed"
    app.databags["lxd/2"] |= {"attempt": "1", "name": '"renamed"'}
    return app


@pytest.mark.parametrize("generation", NAMES)
def test_what_a_failed_join_left_is_removed_whatever_its_machine_is_called_now(generation: str):
    app = with_a_half_join(formed(2, generation))

    app.settle()

    assert app.own("lxd/2").cluster
    assert "m2" not in names(app)


def test_a_dead_member_that_has_a_units_address_is_named():
    app = with_a_half_join(formed(2))
    del app.databags["lxd/1"]["token"]
    for name in ("lxd/0", "lxd/1"):
        app.hook(name)

    assert str(app.plan("lxd/2").status) == (
        "blocked: an offline member has this address: lxc cluster remove --force m2"
    )


def test_a_dead_machine_that_said_it_was_able_is_not_a_failed_join():
    app = formed(2)
    app.add(2)
    for name in ("lxd/2", "lxd/0", "lxd/1"):
        app.hook(name)
    app.hook("lxd/2", commit=False)
    without(app, "m2")
    for name in ("lxd/0", "lxd/1", "lxd/0", "lxd/1"):
        app.hook(name)

    assert "m2" in names(app)


def with_an_unpublished_member(generation: str = "5.21") -> ModelApp:
    """A member whose hook was killed before it could say so, and whose LXD has hung since."""
    app = formed(1, generation)
    unit = app.add(1)
    for name in ("lxd/1", "lxd/0"):
        app.hook(name)
    app.hook("lxd/1", commit=False)
    assert unit.machine.forming() is not None
    with_instance(app, "m1")
    unit.server.freeze()
    return later(app, JOIN + 1)


@pytest.mark.parametrize("generation", NAMES)
def test_a_member_that_had_no_time_to_say_so_is_not_reset_once_it_holds_anything(generation: str):
    app = with_an_unpublished_member(generation)

    plan = app.hook("lxd/1")

    assert plan.status.kind is Kind.WAITING
    assert "LXD" in plan.status.message
    assert app.units["lxd/1"].server.records is the_cluster(app)


@pytest.mark.parametrize("generation", NAMES)
def test_another_unit_that_may_be_the_last_member_keeps_a_new_cluster_from_being_formed(
    generation: str,
):
    """Its LXD has joined, and stopped answering before its hook could note that anywhere."""
    app = formed(1, generation)
    unit = app.add(1)
    app.add(2)
    for name in ("lxd/1", "lxd/0"):
        app.hook(name)
    app.hook("lxd/1", commit=False)
    unit.machine.identity_ = ""
    app.remove("lxd/0")
    app.leader = "lxd/2"
    unit.server.freeze()

    app.hook("lxd/1")

    reason = "lxd/1 may be the last member: bring its LXD back; docs: How to recover"
    assert str(app.hook("lxd/2").app_status) == f"blocked: {reason}"
    with pytest.raises(refusal.ActionRefused, match="juju remove-unit --force lxd/1"):
        form_again.form_again(app.view("lxd/2"), form_again.GONE)


def test_a_leader_that_may_be_the_last_member_does_not_call_the_cluster_gone():
    app = with_an_unpublished_member()
    app.remove("lxd/0")
    app.leader = "lxd/1"

    assert str(app.hook("lxd/1").app_status) == "waiting: LXD on the leader does not answer"
    with pytest.raises(refusal.ActionRefused, match="a unit is a member of the cluster"):
        form_again.form_again(app.view("lxd/1"), form_again.GONE)


@pytest.mark.parametrize("generation", NAMES)
def test_no_cluster_is_begun_beside_a_unit_that_cannot_be_read(generation: str):
    app = formed(1, generation)
    app.add(1)
    app.leader = "lxd/1"
    app.databags["lxd/0"]["name"] = '"a\\u0000b"'
    reason = "lxd/0: its name cannot be read; refresh or remove it"

    assert str(app.plan("lxd/1").app_status) == f"blocked: {reason}"
    with pytest.raises(refusal.ActionRefused, match=f"{reason}: it may be a member"):
        form_again.form_again(app.view("lxd/1"), form_again.GONE)


@pytest.mark.parametrize("name", ["räck-2", "rack 2", "_rack2", "rack/2", "a%2Fb"])
def test_a_member_has_the_name_that_its_operator_gave_it(name: str):
    """`lxc cluster rename` checks nothing."""
    app = formed(3)
    by_hand.rename_member(server(app, "m0"), "m2", name)
    app.settle()

    assert app.own("lxd/2").name == name
    assert str(app.plan("lxd/0").app_status) == "active: 3 members, 3 voters"


@pytest.mark.parametrize("generation", NAMES)
def test_the_coordinator_keeps_the_record_of_a_unit_that_may_join(generation: str):
    """It looked before another member wrote it: clearing it would lose a newer record."""
    app = formed(2, generation)
    app.add(2)
    app.hook("lxd/2")
    app.hook("lxd/0")
    notes = app.units["lxd/0"].ports.lxd.notes
    notes.write({"admitted.m2": "lxd/2 0 10.0.0.3", "admitted.m7": "lxd/7 0 10.0.0.8"})

    plan = app.plan("lxd/0")

    cleared = [dict(s.values) for s in plan.steps if isinstance(s, WriteNotes)]
    assert {"admitted.m7": ""} in cleared


@pytest.mark.parametrize("generation", NAMES)
def test_a_join_that_goes_on_without_its_hook_is_awaited(
    generation: str, monkeypatch: pytest.MonkeyPatch
):
    """LXD 5.0.2 was reset while it joined. The next two joins of that machine never ended."""
    app = formed(2, generation)
    app.add(2)
    for name in ("lxd/2", "lxd/0", "lxd/1"):
        app.hook(name)
    kill_in_join(app, "lxd/2", monkeypatch)
    app.settle()

    assert (app.own("lxd/2").attempt, str(app.plan("lxd/2").status)) == (
        0,
        "active: member m2, voter",
    )


@pytest.mark.parametrize("generation", NAMES)
def test_a_voter_whose_unit_could_not_say_that_it_joined_is_not_reset(generation: str):
    """Its copy of the database may be one of the last two."""
    app = formed(2, generation)
    unit = app.add(2)
    for name in ("lxd/2", "lxd/0", "lxd/1"):
        app.hook(name)
    app.hook("lxd/2", commit=False)
    server(app, "m0").power_off()
    server(app, "m1").power_off()
    unit.server.reboot()
    later(app, JOIN + SILENT)

    plans = [app.hook("lxd/2"), app.hook("lxd/2")]

    assert unit.machine.identity()
    assert (app.own("lxd/2").attempt, [p.own.cluster != "" for p in plans if p.own]) == (
        0,
        [True, True],
    )


@pytest.mark.parametrize("noted", ["", "identity-of-an-earlier-deployment"])
@pytest.mark.parametrize("generation", NAMES)
def test_a_join_that_hangs_is_reset_though_an_earlier_unit_noted_its_cluster(
    generation: str, noted: str, monkeypatch: pytest.MonkeyPatch
):
    app = formed(2, generation)
    unit = app.add(2)
    unit.machine.identity_ = noted
    for name in ("lxd/2", "lxd/0", "lxd/1"):
        app.hook(name)
    kill_in_join(app, "lxd/2", monkeypatch)
    unit.server.freeze()
    later(app, JOIN + 1)
    app.hook("lxd/2")

    assert app.own("lxd/2").attempt == 1


def test_a_join_that_hangs_is_reset_although_the_clock_went_back(monkeypatch: pytest.MonkeyPatch):
    app = formed(2)
    unit = app.add(2)
    for name in ("lxd/2", "lxd/0", "lxd/1"):
        app.hook(name)
    kill_in_join(app, "lxd/2", monkeypatch)
    unit.server.freeze()
    # The machine's clock was two hours ahead when the join began.
    unit.machine.note_forming("join", app.cloud.now + 7200, ())
    app.hook("lxd/2")

    later(app, JOIN + 1)
    app.hook("lxd/2")

    assert app.own("lxd/2").attempt == 1
