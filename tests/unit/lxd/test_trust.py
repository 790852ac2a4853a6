# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The names under which the cluster trusts its members."""

from __future__ import annotations

import pytest

from lxd.api import LxdApi
from tests.lxd_model import by_hand
from tests.lxd_model.generations import NAMES
from tests.unit.deeds import api, later, leaving, names, server, the_cluster
from tests.unit.model_units import formed


@pytest.mark.parametrize("generation", NAMES)
@pytest.mark.parametrize(
    ("old", "new", "trusted"),
    [
        ("m1", "rack1", {"m0", "rack1"}),
        ("m9", "rack1", {"m0", "m1"}),
        ("m1", "m0", {"m0", "m1"}),
    ],
    ids=["renamed", "nobody", "taken"],
)
def test_a_member_is_trusted_under_its_new_name(
    old: str, new: str, trusted: set[str], generation: str
):
    app = formed(2, generation)

    api(app).trust.rename(old, new)

    assert set(the_cluster(app).trusted.values()) == trusted


@pytest.mark.parametrize("generation", NAMES)
def test_a_renamed_member_leaves_and_nobody_trusts_it_any_more(generation: str):
    app = formed(3, generation)
    by_hand.rename_member(server(app, "m0"), "m2", "rack2")
    for _ in range(2):
        for unit in app.units:
            app.hook(unit)
    leaving(app, "lxd/2")

    for _ in range(3):
        later(app, 10.0)
        app.hook("lxd/2")

    assert names(app) == ["m0", "m1"]
    assert set(the_cluster(app).trusted.values()) == {"m0", "m1"}


def test_lxd_keeps_the_old_name_and_6_9_then_does_not_find_it():
    app = formed(3, "6.9")
    by_hand.rename_member(server(app, "m0"), "m2", "rack2")
    lxd: LxdApi = api(app)

    with pytest.raises(Exception, match="Identity not found"):
        lxd.members.remove("rack2")

    assert names(app) == ["m0", "m1", "rack2"]


@pytest.mark.parametrize("generation", NAMES)
def test_its_own_unit_follows_a_rename_once(generation: str):
    app = formed(3, generation)
    by_hand.rename_member(server(app, "m0"), "m2", "rack2")
    app.units["lxd/2"].told.clear()

    app.hook("lxd/2")

    assert set(the_cluster(app).trusted.values()) == {"m0", "m1", "rack2"}
    assert app.units["lxd/2"].told.count("trust the member rack2, which was m2") == 1
