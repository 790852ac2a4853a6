# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The note of the cluster's identity: renamed members, and notes that are lost or differ."""

from __future__ import annotations

from dataclasses import replace

import pytest

from act.step import act
from plan.forming import identity
from state.facts import Forming
from state.notes import IDENTITY
from state.peers import AppData, QueueEntry
from state.view import RunHistory
from steps.forming import AdoptIdentity
from tests.lxd_model import by_hand
from tests.lxd_model.generations import NAMES
from tests.unit import views
from tests.unit.findings import HEALTHY, statuses
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
    with_instance,
    without,
)


@pytest.fixture(params=NAMES)
def generation(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class TestARenamedMember:
    """`lxc cluster rename`: LXD 5.0 shows the old name until its daemon restarts."""

    def app(self, generation: str) -> ModelApp:
        app = formed(3, generation)
        by_hand.rename_member(server(app, "m0"), "m2", "renamed")
        app.settle()
        return app

    def test_its_unit_publishes_the_new_name(self, generation: str):
        app = self.app(generation)

        assert statuses(app) == {**HEALTHY, "lxd/2": "active: member renamed, voter"}
        assert app.own("lxd/2").name == "renamed"
        assert app.app().removed == ()
        assert "unit.m2" not in notes(app)

    def test_its_daemon_knows_the_new_name(self, generation: str):
        app = self.app(generation)

        assert app.units["lxd/2"].ports.lxd.server.get().name == "renamed"
        assert app.units["lxd/2"].snap.reloads == (generation == "5.0")

    def test_a_renamed_member_leaves(self, generation: str):
        app = leaving(with_instance(self.app(generation), "renamed"), "lxd/2")

        assert app.hook("lxd/2").hold == ""
        assert (names(app), locations(app)) == (["m0", "m1"], {"c1": "m0"})

    def test_a_member_leaves_right_after_its_rename(self, generation: str):
        app = formed(3, generation)
        by_hand.rename_member(server(app, "m0"), "m2", "renamed")
        leaving(app, "lxd/2")

        assert app.hook("lxd/2").hold == ""
        assert names(app) == ["m0", "m1"]

    def test_it_is_removed_once_it_is_dead_and_its_unit_is_gone(self, generation: str):
        app = self.app(generation)
        without(app, "renamed").remove("lxd/2")
        app.settle()

        assert names(app) == ["m0", "m1"]

    def test_a_unit_joins_beside_a_renamed_member(self, generation: str):
        app = self.app(generation)
        app.add(3)
        app.settle()

        assert names(app) == ["m0", "m1", "m3", "renamed"]


def test_the_note_alone_is_written_again(generation: str):
    app = formed(3, generation)
    value = notes(app)[IDENTITY]
    note(app, IDENTITY, "")

    app.settle()

    assert notes(app)[IDENTITY] == value
    assert statuses(app) == HEALTHY


def test_without_any_note_nothing_is_touched_until_it_is_written_again(generation: str):
    app = with_instance(formed(3, generation), "m2")
    value = notes(app)[IDENTITY]
    for name in notes(app):
        note(app, name, "")
    app.settle()
    refused = "blocked: LXD's database has no note identity: see the docs, How to recover"
    assert statuses(app)["lxd/2"] == refused
    assert "LXD's database has no note" in leaving(app, "lxd/2").hook("lxd/2").hold
    assert notes(app) == {}
    app.leaving.clear()

    note(app, IDENTITY, value)
    app.settle()

    assert statuses(app) == HEALTHY
    assert locations(app) == {"c1": "m2"}


def test_the_first_of_two_members_that_adopt_an_identity_at_once_counts(generation: str):
    app = formed(2, generation)
    note(app, IDENTITY, "")
    for unit, value in (("lxd/1", "first"), ("lxd/0", "second")):
        act(AdoptIdentity(value), unit, app.units[unit].ports, RunHistory())

    assert notes(app)[IDENTITY] == "first"


def test_a_server_that_bootstraps_again_makes_another_cluster():
    assert identity.new_identity("f00d", 1.0) != identity.new_identity("f00d", 2.0)


def test_the_identity_is_noted_on_each_machine(generation: str):
    app = formed(3, generation)

    noted = {unit.machine.identity() for unit in app.units.values()}
    assert noted == {cluster_api(app).notes.read()[IDENTITY]}
    leaving(app, "lxd/2").hook("lxd/2")
    assert app.units["lxd/2"].machine.identity() == ""


@pytest.mark.parametrize(
    ("queue", "owner"),
    [
        pytest.param((1, 2), identity.Owner.OURS, id="the first bootstrap unit is gone"),
        pytest.param((0, 1, 2), identity.Owner.ANOTHER, id="it is a member"),
    ],
)
def test_only_what_present_units_say_of_the_cluster_counts(
    queue: tuple[int, ...], owner: identity.Owner
):
    """Juju has not told this unit that the first one is gone, and another one was named."""
    others = {0: views.data(0, cluster="old"), 1: views.data(1, cluster="")}
    placed = tuple(QueueEntry(unit=views.unit(number)) for number in queue)
    app = AppData(bootstrap=views.unit(2), queue=placed)
    among = replace(views.peers(views.data(2, cluster=""), others), app=app)
    seen = views.lxd(views.member(2), notes={IDENTITY: "new"})
    forming = Forming("bootstrap", views.NOW)
    view = views.view(seen, among, unit=views.unit(2), forming=forming)

    assert identity.owner(view, seen, among) is owner


def test_a_silent_moment_makes_no_member_of_a_machine_in_another_cluster(generation: str):
    """The machine's disk still names the cluster of an earlier unit."""
    old = formed(3, generation)
    app = ModelApp(cloud=old.cloud, leader="lxd/10")
    app.add(10, "n0")
    stays = app.enter(old.units["lxd/1"])
    stays.machine.key_ = None
    app.settle()
    before = statuses(app)["lxd/1"]
    assert "in another cluster, as member m1" in before

    stays.server.kill_daemon()
    app.hook("lxd/1")
    assert app.own("lxd/1").cluster == ""
    stays.server.start_daemon()
    later(app, 60.0)
    app.settle()

    assert statuses(app)["lxd/1"] == before
    leaving(app, "lxd/1").options["on_remove"] = "abandon"
    assert app.hook("lxd/1").hold == ""
    assert sorted(old.units["lxd/0"].server.records.rows) == ["m0", "m1", "m2"]
