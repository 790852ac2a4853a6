# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Instances of a cluster group: they stay in it, and LXD chooses only among members that stay."""

from __future__ import annotations

from dataclasses import replace

import pytest

from plan.leaving import migration
from state.cluster import CLOSED, Member
from tests.lxd_model import by_hand
from tests.unit.leavers import cluster, instance, member
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import leaving, locations, server, the_cluster

GROUP = "volatile.cluster.group"
MODERN = ("5.21", "6.9")
"""LXD 5.0 does not note the group."""
RACK = frozenset({"rack"})
FIT = member("m0", groups=RACK)

OTHERS: dict[str, tuple[Member, bool]] = {
    "one that stays": (member("m1", groups=RACK), True),
    "one without a unit": (member("m8", groups=RACK), False),
    "one that leaves": (member("m9", groups=RACK), False),
    "one that leaves and takes nothing": (member("m9", groups=RACK, scheduler=CLOSED), True),
    "one of another group": (member("m8", groups=frozenset({"default"})), True),
    "one that is offline": (member("m8", "OFFLINE", groups=RACK), True),
}
"""By member beside one that can take the instance: whether LXD may choose."""


@pytest.mark.parametrize(("other", "may"), OTHERS.values(), ids=OTHERS)
def test_lxd_chooses_only_among_members_that_can_take_the_instance(other: Member, may: bool):
    moved = instance(group="rack")
    seen = cluster(
        moved,
        members=(FIT, other, member("m2", groups=RACK)),
        orphaned=frozenset({"m8"}),
        leaving=frozenset({"m9"}),
    )

    assert migration.may_choose(moved, seen, "m2") == may


def with_group(generation: str) -> ModelApp:
    """c1 of the group default is on m2, m0 and m1 have an instance each, m3 has none."""
    app = formed(4, generation)
    c1 = by_hand.launch(server(app, "m2"), "c1")
    records = the_cluster(app)
    records.instances[c1.key] = replace(c1, config={**c1.config, GROUP: "default"})
    by_hand.launch(server(app, "m0"), "c2")
    by_hand.launch(server(app, "m1"), "c3")
    return app


def group_of(app: ModelApp, name: str) -> str:
    return next(i for i in the_cluster(app).instances.values() if i.name == name).config[GROUP]


@pytest.mark.parametrize("generation", MODERN)
def test_lxd_chooses_the_member_of_the_group(generation: str):
    app = with_group(generation)
    leaving(app, "lxd/2")

    app.hook("lxd/2")

    assert locations(app)["c1"] == "m3"
    assert group_of(app, "c1") == "default"


@pytest.mark.parametrize("generation", MODERN)
def test_it_does_not_move_to_a_machine_without_a_unit(generation: str):
    app = with_group(generation)
    app.remove("lxd/3")  # By force: its machine runs on, and is the one with the fewest instances.
    leaving(app, "lxd/2")

    app.hook("lxd/2")

    assert locations(app)["c1"] in ("m0", "m1")
    assert group_of(app, "c1") == "default"
