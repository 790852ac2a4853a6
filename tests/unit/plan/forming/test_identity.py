# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The owner of a cluster, with any certificate, names of members and revision of the charm."""

from __future__ import annotations

from dataclasses import replace

import pytest

from act.step import StepFailed, act
from deadlines import GIVEN_BACK
from lxd.api import LxdApi
from ports.ports import Ports
from state.notes import IDENTITY
from state.view import RunHistory
from steps.forming import Join
from tests.lxd_model import by_hand
from tests.lxd_model.cloud import Fault
from tests.lxd_model.generations import NAMES
from tests.unit.findings import HEALTHY, statuses
from tests.unit.hook_tools import ROOT
from tests.unit.joins import joining
from tests.unit.model_units import ModelApp, ModelUnit, formed
from tests.unit.model_world import UnitMachine
from tests.unit.scenarios import (
    joined_by_hand,
    later,
    leaving,
    locations,
    names,
    notes,
    server,
    the_cluster,
    with_instance,
    with_volume,
    without,
)


@pytest.fixture(params=NAMES)
def generation(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class TestTheCertificateChanges:
    """`lxc cluster update-certificate`, or ACME: the same cluster shows another certificate."""

    def app(self, generation: str) -> ModelApp:
        app = formed(3, generation)
        by_hand.update_certificate(server(app, "m1"))
        return app

    def test_it_is_the_same_cluster(self, generation: str):
        app = self.app(generation)

        assert statuses(app) == HEALTHY

    def test_members_publish_the_new_fingerprint(self, generation: str):
        app = self.app(generation)
        app.settle()

        published = {app.own(unit).fingerprint for unit in app.units}
        assert published == {the_cluster(app).fingerprint}

    def test_a_unit_joins_after_the_certificate_has_changed(self, generation: str):
        app = self.app(generation)
        app.add(3)
        app.settle()

        assert "m3" in names(app)

    def test_what_a_leaver_has_moves_first(self, generation: str):
        app = leaving(with_instance(self.app(generation), "m2"), "lxd/2")

        assert app.hook("lxd/2").hold == ""
        assert (names(app), locations(app)) == (["m0", "m1"], {"c1": "m0"})

    def test_what_cannot_move_holds_a_leaver(self, generation: str):
        app = leaving(with_volume(self.app(generation), "m2"), "lxd/2")

        assert "volume default/local/data" in app.hook("lxd/2").hold
        assert names(app) == ["m0", "m1", "m2"]

    def test_a_token_from_before_is_made_again(self, generation: str):
        app = formed(1, generation)
        unit = app.add(1)
        for name in ("lxd/1", "lxd/0", "lxd/0"):
            app.hook(name)
        by_hand.update_certificate(server(app, "m0"))

        plan = app.hook("lxd/1")

        assert str(plan.status).startswith("waiting: could not join the cluster as m1")
        assert not unit.server.records.clustered
        for name in ("lxd/0", "lxd/1"):
            app.hook(name)
        assert app.own("lxd/1").cluster == notes(app)[IDENTITY]
        assert (app.own("lxd/1").attempt, unit.machine.failures()) == (0, None)


class TestATokenThatIsNotOurs:
    """It is refused before LXD on the machine gets any request."""

    def refused(self, app: ModelApp, step: Join) -> StepFailed:
        changes: list[str] = []

        def noted(machine: str, call: str) -> Fault:
            del machine
            changes.extend([] if call.startswith("GET") else [call])
            return ""

        app.cloud.fault = noted
        with pytest.raises(StepFailed) as failed:
            act(step, "lxd/9", app.units["lxd/9"].ports, RunHistory())
        assert changes == []
        assert not app.units["lxd/9"].server.records.clustered
        return failed.value

    def test_the_token_of_another_cluster_is_refused(self, generation: str):
        app = formed(1, generation)
        failure = self.refused(app, replace(joining(app), cluster="another"))

        assert failure.reason == "the join token is for another cluster"
        assert not failure.later

    def test_a_certificate_that_no_member_publishes_is_refused(self, generation: str):
        app = formed(1, generation)
        failure = self.refused(app, replace(joining(app), trusted=frozenset({"f00d"})))

        assert "names a certificate that no member publishes" in failure.reason
        assert failure.later

    def test_a_server_that_shows_another_certificate_is_refused(self, generation: str):
        app = formed(1, generation)
        step = joining(app)
        by_hand.update_certificate(server(app, "m0"))
        failure = self.refused(app, step)

        assert "not the cluster's certificate" in failure.reason
        assert failure.later


class TestAnotherCluster:
    """The application is deployed to machines whose LXD is in somebody else's cluster."""

    def deployed_onto(self, theirs: ModelApp) -> ModelApp:
        app = ModelApp(cloud=theirs.cloud)
        for name, other in theirs.units.items():
            machine = UnitMachine(other.server)
            ports = Ports(
                LxdApi(other.server.lxd),
                other.snap,
                machine,
                other.server.database,
                lambda: app.cloud.now,
                other.shown_steps.append,
            )
            unit = ModelUnit(
                name,
                ports,
                other.address,
                server=other.server,
                snap=other.snap,
                machine=machine,
                shown_steps=[],
            )
            app.enter(unit)
        app.settle()
        return app

    def by_hand(self, generation: str) -> ModelApp:
        """Somebody's cluster that was made without this charm."""
        theirs = ModelApp(cloud=formed(0, generation).cloud)
        for number in range(3):
            theirs.add(number).snap.install("5.21/stable", "")
        first, *others = (unit.server for unit in theirs.units.values())
        by_hand.bootstrap(first)
        for other in others:
            by_hand.join(other, first)
        return theirs

    @pytest.mark.parametrize("made", ["by this charm", "by hand"])
    def test_another_cluster_is_left_alone(self, generation: str, made: str):
        ours = made == "by this charm"
        theirs = formed(3, generation) if ours else self.by_hand(generation)
        before = notes(theirs)

        app = self.deployed_onto(theirs)

        assert statuses(app)["lxd/2"] == (
            "blocked: LXD here is in another cluster, as member m2: use another machine"
        )
        assert (names(theirs), notes(theirs)) == (["m0", "m1", "m2"], before)

    @pytest.mark.parametrize("made", ["by this charm", "by hand"])
    def test_a_unit_that_leaves_takes_no_member_along(self, generation: str, made: str):
        ours = made == "by this charm"
        theirs = formed(3, generation) if ours else self.by_hand(generation)
        app = leaving(self.deployed_onto(theirs), "lxd/2")

        hold = app.hook("lxd/2").hold

        assert "LXD here is in another cluster, as member m2, and Juju releases the machine" in hold
        assert names(theirs) == ["m0", "m1", "m2"]
        app.options["on_remove"] = "abandon"
        assert app.hook("lxd/2").hold == ""
        assert names(theirs) == ["m0", "m1", "m2"]


def test_no_document_advises_to_remove_a_unit_whose_machine_somebody_needs():
    """Juju releases the machine with the unit, and with it the member or the data."""
    page = (ROOT / "docs" / "reference" / "statuses.md").read_text().splitlines()
    theirs = [
        row for row in page if "as a deb: use another" in row or "in another cluster, as" in row
    ]

    assert len(theirs) == 2
    assert not [row for row in theirs if "remove-unit" in row]


class TestAMemberJoinedByHand:
    """An operator has joined a server without a unit."""

    def app(self, generation: str) -> ModelApp:
        app = formed(3, generation)
        joined_by_hand(app)
        with_instance(app, "byhand")
        app.settle()
        return app

    def test_a_member_without_a_unit_is_named(self, generation: str):
        assert "byhand has no unit" in statuses(self.app(generation))["app"]

    def test_it_is_not_removed_while_it_is_down(self, generation: str):
        app = without(self.app(generation), "byhand")
        app.settle()
        later(app, GIVEN_BACK + 1)
        app.settle()

        assert "byhand" in names(app)
        assert locations(app) == {"c1": "byhand"}
        assert "lost" not in statuses(app)["app"]
