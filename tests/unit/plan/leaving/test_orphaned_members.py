# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Members that are gone without leaving, or whose units are."""

from __future__ import annotations

import pytest

from deadlines import GIVEN_BACK
from lxd.api import LxdApi
from tests.lxd_model import by_hand
from tests.lxd_model.generations import NAMES
from tests.lxd_model.records import Role
from tests.unit.findings import statuses
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import (
    cluster_api,
    later,
    leaving,
    names,
    note,
    notes,
    server,
    the_cluster,
    with_instance,
    with_volume,
    without,
)
from values.status import Kind


@pytest.mark.parametrize("generation", NAMES)
def test_a_member_that_the_operator_evacuated_still_admits_others(generation: str):
    app = formed(2, generation)
    by_hand.evacuate(server(app, "m1"))
    app.add(2)
    for _ in range(3):
        for unit in app.units:
            app.hook(unit)
            token = app.own("lxd/0").token
            assert token is None or token.unit != "lxd/2", "two members would admit"

    assert app.own("lxd/2").cluster


@pytest.mark.parametrize("generation", NAMES)
class TestGoneWithoutGoodbye:
    """The unit is gone from Juju, and its machine is dead."""

    def app(self, generation: str) -> ModelApp:
        app = with_volume(with_instance(formed(4, generation), "m3"), "m3")
        without(app, "m3").remove("lxd/3")
        return app

    def test_the_member_is_removed(self, generation: str):
        app = self.app(generation)
        app.settle()

        assert names(app) == ["m0", "m1", "m2"]

    def test_what_it_held_is_named_until_it_is_acknowledged(self, generation: str):
        app = self.app(generation)
        app.settle()

        status = app.plan("lxd/0").app_status

        assert str(status) == (
            "blocked: lost with m3: default/c1 and 1 more; run forget-lost name=m3"
        )

    def test_nobody_is_removed_while_juju_knows_its_unit(self, generation: str):
        app = without(formed(4, generation), "m3")
        app.settle()

        assert len(names(app)) == 4

    def test_nobody_is_removed_while_it_is_up(self, generation: str):
        app = formed(4, generation)
        app.remove("lxd/3")
        app.settle()

        assert len(names(app)) == 4
        assert str(app.plan("lxd/0").app_status) == (
            "blocked: m3 has no unit: move what it holds, then lxc cluster remove it"
        )

    def test_one_that_went_on_without_its_unit_is_the_operators(self, generation: str):
        app = with_instance(formed(4, generation), "m3")
        app.remove("lxd/3")
        app.settle()
        later(app, GIVEN_BACK + 1)
        app.settle()

        without(app, "m3")
        app.settle()

        assert "m3" in names(app)

    def test_one_on_a_machine_that_is_given_back_is_not(self, generation: str):
        app = formed(4, generation)
        app.remove("lxd/3")
        app.settle()

        without(app, "m3")
        app.settle()

        assert "m3" not in names(app)

    def test_nobody_is_removed_without_a_majority_of_voters(self, generation: str):
        app = formed(3, generation)
        without(app, "m1", "m2").remove("lxd/2")
        app.settle()

        assert len(names(app)) == 3

    def test_a_departure_that_juju_never_reported_changes_nothing(self, generation: str):
        app = self.app(generation)
        app.databags["lxd/3"] = {"name": '"m3"', "cluster": '"lost"', "version": "1"}
        app.settle()

        assert "m3" not in names(app)

    def test_what_was_read_before_a_unit_published_its_name_is_not_a_proof(self, generation: str):
        app = without(formed(4, generation), "m3")
        app.databags["lxd/3"] = {"version": "1"}
        app.hook("lxd/0")

        assert "m3" in names(app)

    def test_what_was_read_before_a_machine_was_renamed_is_not_a_proof(self, generation: str):
        app = without(formed(4, generation), "m3")
        app.databags["lxd/3"] |= {"name": '"before"'}
        del app.databags["lxd/3"]["cluster"]
        app.hook("lxd/0")

        assert "m3" in names(app)

    def test_only_the_leader_removes(self, generation: str):
        app = self.app(generation)

        for unit in ("lxd/1", "lxd/2"):
            app.hook(unit)

        assert "m3" in names(app)


@pytest.mark.parametrize("generation", NAMES)
def test_a_member_that_the_cluster_removed_says_so_when_it_is_back(generation: str):
    app = formed(3, generation)
    cluster_api(app).members.remove("m2")
    app.settle()
    app.units["lxd/2"].server.freeze()

    assert app.app().removed == ("lxd/2",)
    assert app.plan("lxd/2").status.kind is Kind.BLOCKED
    assert "the cluster removed this member" in app.plan("lxd/2").status.message


@pytest.mark.parametrize("generation", NAMES)
def test_the_leader_of_juju_learns_that_its_member_was_removed(generation: str):
    """It writes the application's data, and its own LXD cannot tell it."""
    app = with_instance(formed(4, generation), "m1")
    app.leader = "lxd/1"
    app.settle()

    LxdApi(server(app, "m0").lxd).members.remove("m1")
    for _ in range(8):
        later(app, 60.0)
        app.settle()

    assert statuses(app)["lxd/1"].startswith("blocked: the cluster removed this member")
    app.options["on_remove"] = "abandon"
    assert leaving(app, "lxd/1").hook("lxd/1").hold == ""


class TestRenamed:
    """An operator renames a member, and its machine dies before its own unit can note the name."""

    def app(self, generation: str) -> ModelApp:
        app = formed(3, generation)
        by_hand.rename_member(server(app, "m0"), "m2", "moved")
        return app

    @pytest.mark.parametrize("generation", NAMES)
    def test_the_others_know_it_by_its_address(self, generation: str):
        app = self.app(generation)
        for unit in ("lxd/0", "lxd/1"):
            app.hook(unit)
        assert notes(app)["unit.moved"] == "lxd/2 0 10.0.0.3"

        without(app, "moved").remove("lxd/2")
        app.settle()

        assert names(app) == ["m0", "m1"]

    @pytest.mark.parametrize("generation", NAMES)
    def test_its_record_has_its_address(self, generation: str):
        app = without(self.app(generation), "moved")
        app.remove("lxd/2")
        app.settle()

        assert names(app) == ["m0", "m1"]
        assert set(the_cluster(app).trusted.values()) == {"m0", "m1"}

    def test_a_member_whose_unit_nobody_knows_is_the_operator_s(self):
        app = formed(3)
        for kind in ("unit", "admitted"):
            note(app, f"{kind}.m2", "lxd/2 0")
        by_hand.rename_member(server(app, "m0"), "m2", "moved")
        without(app, "moved").remove("lxd/2")
        app.settle()

        status = app.plan("lxd/0").app_status

        assert str(status) == (
            "blocked: moved is offline and has no unit: start it, or remove it by hand"
        )
        assert names(app) == ["m0", "m1", "moved"]


@pytest.mark.parametrize("generation", NAMES)
def test_no_status_advises_to_remove_the_only_copy_of_the_database(generation: str):
    """LXD 5.0 and 6.9 lose the database of both then. 5.21 makes the other member a voter."""
    app = formed(3, generation)
    app.leader = "lxd/1"
    leaving(app, "lxd/2")
    while app.hook("lxd/2").hold:
        later(app, 30.0)
    app.remove("lxd/2")
    later(app, 120.0).settle()
    voter = next(row.name for row in the_cluster(app).members if row.role is Role.VOTER)
    app.leader = next(unit for unit, u in app.units.items() if u.server.name != voter)

    app.remove(next(unit for unit, u in app.units.items() if u.server.name == voter))
    later(app, 120.0).settle()

    removable = f"blocked: {voter} has no unit: move what it holds, then lxc cluster remove it"
    last = f"blocked: {voter} has no unit, and the only copy of the database: add a unit first"
    assert str(app.plan(app.leader).app_status) == (removable if generation == "5.21" else last)


@pytest.mark.parametrize("generation", NAMES)
def test_the_application_names_a_unit_whose_member_was_removed(generation: str):
    app = with_instance(formed(3, generation), "m2")
    cluster_api(app).members.remove("m2")
    app.settle()

    status = str(app.plan("lxd/0").app_status)

    assert status == "blocked: lxd/2: the cluster removed its member: remove it"


@pytest.mark.parametrize("generation", NAMES)
def test_the_application_says_where_to_look_if_such_a_unit_is_held(generation: str):
    app = with_instance(formed(3, generation), "m2")
    cluster_api(app).members.remove("m2")
    app.settle()
    app.units["lxd/2"].server.freeze()
    leaving(app, "lxd/2")
    assert app.hook("lxd/2").hold

    status = str(app.plan("lxd/0").app_status)

    assert status == "waiting: for lxd/2 to leave; if in error: juju show-status-log lxd/2"


def test_the_application_says_where_to_look_if_a_unit_outside_does_not_go():
    app = formed(2)
    app.add(2)
    app.hook("lxd/2")
    leaving(app, "lxd/2")

    status = str(app.plan("lxd/0").app_status)

    assert status == "waiting: for lxd/2 to leave; if in error: juju show-status-log lxd/2"
