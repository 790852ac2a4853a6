# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The next steps of units whose whole application is being removed, from views made by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from plan.unit import make_plan
from state.cluster import CLOSED, ClusterView
from state.lxd_objects import Bucket, Image, Volume
from state.view import View
from tests.unit.leavers import cluster, instance, leaver, member

VOLUME = Volume("default", "local", "data", "m2")


BUCKET = Bucket("default", "local", "b1", "m2")


IMAGE = Image("default", "ab" * 32)


REMOVING = {"leaving.m2": "going"}


def steps(view: View) -> list[str]:
    return [str(step) for step in make_plan(view).steps]


def holds(view: View) -> str:
    plan = make_plan(view)
    assert plan.steps == (), [str(step) for step in plan.steps]
    return plan.hold


class TestTheApplicationGoes:
    """With all its units, and on MAAS with their machines."""

    def of(self, lxd: ClusterView, **options: Any) -> View:
        images = lxd.images or ()
        return leaver(
            replace(lxd, images=images),
            going={"lxd/0", "lxd/1", "lxd/2"},
            options=options,
        )

    def test_nothing_in_the_cluster_holds_nobody(self):
        view = self.of(cluster(images=(replace(IMAGE, cached=True),)), min_voters=3)

        assert holds(view) == ""

    def test_beside_a_member_of_an_operator_they_leave_in_order(self):
        members = (*cluster().members, member("m9"))

        view = self.of(cluster(members=members, notes=REMOVING), min_voters=3)

        assert steps(view) == ["take m2 out of the cluster"]

    @pytest.mark.parametrize(
        "lxd",
        [
            cluster(instance()),
            cluster(volumes=(VOLUME,)),
            cluster(buckets=(BUCKET,)),
        ],
        ids=["instance", "volume", "bucket"],
    )
    def test_what_this_member_holds_keeps_it(self, lxd: ClusterView):
        assert "lxd/2 cannot leave" in holds(self.of(lxd))

    def test_what_another_member_holds_does_not_but_it_leaves_in_order(self):
        view = self.of(cluster(instance(location="m0"), notes=REMOVING), min_voters=3)

        assert steps(view) == ["take m2 out of the cluster"]

    def test_the_last_one_keeps_images_too(self):
        lxd = cluster(members=(member("m2", scheduler=CLOSED),), images=(IMAGE,))

        assert "image default/abababababab: no other member can take it" in holds(self.of(lxd))

    def test_the_operators_word_is_enough(self):
        view = self.of(cluster(instance(), volumes=(VOLUME,)), on_remove="abandon")

        assert holds(view) == ""
        # Juju releases the machines with their last units: the data may not stay.
        status = make_plan(view).status
        assert str(status) == "waiting: the application is being removed: LXD is left as it is"
