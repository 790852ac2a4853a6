# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Instances of a placement group: LXD separates or joins them only if it chooses the member.

LXD PR 16781. In issue 17079 users rely on evacuations for that.
"""

from __future__ import annotations

from typing import Any, cast

import pytest

from lxd import parsing
from lxd.client import Client
from lxd.placements import PlacementsApi
from plan.leaving import migration
from plan.unit import make_plan
from state.cluster import ClusterView
from state.lxd_objects import Instance
from tests.unit.leavers import cluster, instance, leaver


def mate(name: str, location: str, **more: Any) -> Instance:
    """An instance of the group ha."""
    return instance(name, location, placement="ha", **more)


def placed(policy: str, *locations: str) -> ClusterView:
    """c1 of the group is on m2, which leaves, and others of it are there."""
    mates = [mate(f"mate{number}", location) for number, location in enumerate(locations)]
    return cluster(mate("c1", "m2"), *mates, placements={"default/ha": policy})


ALLOWED = [
    ("spread strict", ("m0",), ("m1",)),
    ("spread strict", ("m0", "m1"), ()),
    ("spread strict", ("m2", "m1"), ("m0",)),
    ("spread permissive", ("m0", "m0", "m1"), ("m1",)),
    ("spread permissive", (), ("m0", "m1")),
    ("compact strict", ("m0", "m0", "m1"), ("m0",)),
    ("compact strict", ("m2",), ("m1", "m0")),
    ("compact permissive", ("m1",), ("m1",)),
]


@pytest.mark.parametrize(("policy", "mates", "targets"), ALLOWED)
def test_only_the_members_that_the_group_allows_take_an_instance(
    policy: str, mates: tuple[str, ...], targets: tuple[str, ...]
):
    lxd = placed(policy, *mates)
    c1 = next(iter(lxd.instances or ()))

    assert set(migration.targets(c1, lxd, "m2")) == set(targets)


def test_an_instance_of_another_project_is_not_a_mate():
    other = Instance("web", "c9", "m0", placement="ha")
    c1 = mate("c1", "m2")
    lxd = cluster(c1, other, placements={"default/ha": "spread strict", "web/ha": "spread strict"})

    assert migration.targets(c1, lxd, "m2") == ("m1", "m0")


def test_the_status_names_the_group_that_holds_an_instance():
    plan = make_plan(leaver(placed("spread strict", "m0", "m1")))

    reason = "default/c1: no other member can take it in its placement group ha"
    assert reason in plan.hold
    assert plan.steps == ()


def test_a_placement_group_comes_before_a_cluster_group():
    row = {
        "project": "default",
        "name": "c1",
        "location": "m0",
        "status": "Running",
        "expanded_config": {"placement.group": "ha", "volatile.cluster.group": "rack1"},
    }

    found = parsing.instance(row)

    assert (found.placement, found.group) == ("ha", "")


def test_the_groups_of_all_projects_are_read():
    asked: list[tuple[str, dict[str, str]]] = []

    class Answering:
        def get(self, path: str, query: dict[str, str], seconds: float) -> Any:
            asked.append((path, query))
            config = {"policy": "spread", "rigor": "strict"}
            return [{"project": "web", "name": "ha", "config": config}]

    api = PlacementsApi(cast("Client", Answering()))

    assert api.policies() == {"web/ha": "spread strict"}
    assert asked == [("/1.0/placement-groups", {"recursion": "1", "all-projects": "true"})]
