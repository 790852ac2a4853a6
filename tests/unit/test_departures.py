"""Members that are gone without goodbye, or whose units are."""

from __future__ import annotations

from dataclasses import replace

from status import Kind
from tests.unit.deeds import the_cluster, with_instance, with_volume, without
from tests.unit.model_units import ModelApp, formed


def test_a_member_that_the_operator_evacuated_still_admits_others():
    app = formed(2)
    cluster = the_cluster(app)
    cluster.members["m1"] = replace(cluster.members["m1"], status="EVACUATED")
    app.add(2)
    for _ in range(3):
        for unit in app.units:
            app.hook(unit)
            token = app.own("lxd/0").token
            assert token is None or token.unit != "lxd/2", "two members would admit"

    assert app.own("lxd/2").cluster


class TestGoneWithoutGoodbye:
    """The unit is gone from Juju, and its machine is dead."""

    def app(self) -> ModelApp:
        app = with_volume(with_instance(formed(4), "m3"), "m3")
        without(app, "m3").remove("lxd/3")
        return app

    def test_the_member_is_removed(self):
        app = self.app()
        app.settle()

        assert sorted(the_cluster(app).members) == ["m0", "m1", "m2"]

    def test_what_it_held_is_told_until_it_is_acknowledged(self):
        app = self.app()
        app.settle()

        status = app.plan("lxd/0").app_status

        assert str(status) == (
            "blocked: lost with m3: default/c1 and 1 more; run forget-lost name=m3"
        )

    def test_nobody_is_removed_while_juju_knows_its_unit(self):
        app = without(formed(4), "m3")
        app.settle()

        assert len(the_cluster(app).members) == 4

    def test_nobody_is_removed_while_it_is_up(self):
        app = formed(4)
        app.remove("lxd/3")
        app.settle()

        assert len(the_cluster(app).members) == 4
        assert str(app.plan("lxd/0").app_status) == (
            "waiting: member m3 has no unit: evacuate it, then lxc cluster remove m3"
        )

    def test_nobody_is_removed_without_a_majority_of_voters(self):
        app = formed(3)
        without(app, "m1", "m2").remove("lxd/2")
        app.settle()

        assert len(the_cluster(app).members) == 3

    def test_a_departure_that_juju_never_told_of_changes_nothing(self):
        app = self.app()
        app.databags["lxd/3"] = {"name": '"m3"', "cluster": '"lost"', "version": "1"}
        app.settle()

        assert "m3" not in the_cluster(app).members

    def test_what_was_read_before_a_unit_had_told_its_name_is_no_proof(self):
        app = without(formed(4), "m3")
        app.databags["lxd/3"] = {"version": "1"}
        app.hook("lxd/0")

        assert "m3" in the_cluster(app).members

    def test_what_was_read_before_a_machine_was_renamed_is_no_proof(self):
        app = without(formed(4), "m3")
        app.databags["lxd/3"] |= {"name": '"before"'}
        del app.databags["lxd/3"]["cluster"]
        app.hook("lxd/0")

        assert "m3" in the_cluster(app).members

    def test_only_the_leader_removes(self):
        app = self.app()

        assert [app.plan(unit).steps for unit in ("lxd/1", "lxd/2")] == [(), ()]


def test_a_member_that_the_cluster_removed_says_so_when_it_is_back():
    app = formed(3)
    del the_cluster(app).members["m2"]
    app.settle()
    app.units["lxd/2"].lxd.running = False

    assert app.app().removed == ("lxd/2",)
    assert app.plan("lxd/2").status.kind is Kind.BLOCKED
    assert "the cluster removed this member" in app.plan("lxd/2").status.message
