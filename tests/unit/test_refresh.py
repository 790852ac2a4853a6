# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A refresh of the charm: refreshed units work beside others."""

from __future__ import annotations

import json
import random

import pytest

from records import loss_record
from state.notes import IDENTITY
from state.peers import VERSION
from tests.lxd_model import by_hand
from tests.lxd_model.generations import NAMES
from tests.unit.model_units import formed
from tests.unit.older_charm import made_by_older_charm
from tests.unit.scenarios import names, note, notes, server, the_cluster, without


@pytest.mark.parametrize("seed", range(24))
def test_units_of_both_charms_become_one_cluster(seed: int):
    rng = random.Random(seed)
    app = formed(rng.randint(1, 3), NAMES[seed % len(NAMES)])
    for number in range(len(app.units), 5):
        app.add(number)
    # The older charm is somewhere in the middle of it.
    for _ in range(rng.randint(0, 12)):
        app.hook(rng.choice(list(app.units)))
    made_by_older_charm(app, first=rng.random() < 0.5)
    fingerprint = the_cluster(app).fingerprint
    refreshed: set[str] = set()
    while refreshed < set(app.units):
        # A unit without the refresh reads a newer charm's data, and does nothing.
        refreshed.add(rng.choice(sorted(set(app.units) - refreshed)))
        for _ in range(rng.randint(1, 3)):
            app.hook(rng.choice(sorted(refreshed)), commit=rng.random() > 0.2)
    app.settle()

    assert names(app) == ["m0", "m1", "m2", "m3", "m4"]
    assert notes(app)[IDENTITY] == fingerprint
    assert {app.own(unit).cluster for unit in app.units} == {fingerprint}


@pytest.mark.parametrize("generation", NAMES)
def test_the_cluster_has_no_identity_before_every_member_is_refreshed(generation: str):
    app = made_by_older_charm(formed(3, generation), first=False)
    for unit in ("lxd/0", "lxd/1", "lxd/0"):
        plan = app.hook(unit)
        assert str(plan.status).startswith("waiting: for the refresh of the charm on")
    assert IDENTITY not in notes(app)

    app.settle()

    assert IDENTITY in notes(app)
    assert {unit: str(app.plan(unit).status) for unit in app.units} == {
        f"lxd/{n}": f"active: member m{n}, voter" for n in range(3)
    }


@pytest.mark.parametrize(("generation", "at_once"), [("5.0", True), ("5.21", True), ("6.9", False)])
def test_the_notes_move_while_a_member_is_down_as_far_as_lxd_allows(generation: str, at_once: bool):
    app = made_by_older_charm(formed(4, generation), first=False)
    without(app, "m3")
    for _ in range(2):
        for unit in ("lxd/0", "lxd/1", "lxd/2"):
            app.hook(unit)

    # LXD 6.9 makes a project only while all members answer.
    assert (IDENTITY in notes(app)) is at_once
    server(app, "m3").power_on()
    app.settle()
    assert IDENTITY in notes(app)
    assert str(app.plan("lxd/3").status).startswith("active: member m3")


@pytest.mark.parametrize("generation", NAMES)
def test_what_an_older_charm_had_noted_is_kept(generation: str):
    app = formed(3, generation)
    note(app, loss_record.LOG + "m9", '["default/c9"]')
    before = notes(app)
    made_by_older_charm(app, first=False)

    app.settle()

    found = notes(app)
    assert loss_record.read(found) == {"m9": ["default/c9"]}
    assert {k: v for k, v in found.items() if k.startswith("unit.")} == {
        k: v for k, v in before.items() if k.startswith("unit.")
    }
    config = the_cluster(app).projects["default"].config
    assert not [key for key in config if key.startswith("user.")]


@pytest.mark.parametrize("generation", NAMES)
def test_a_certificate_that_changed_before_the_refresh_is_not_another_cluster(generation: str):
    app = made_by_older_charm(formed(3, generation), first=False)
    fingerprint = the_cluster(app).fingerprint
    by_hand.update_certificate(server(app, "m0"))

    app.settle()

    assert notes(app)[IDENTITY] == fingerprint
    assert str(app.plan("lxd/2").status) == "active: member m2, voter"


@pytest.mark.parametrize("generation", NAMES)
@pytest.mark.parametrize("first", [False, True])
def test_a_token_of_the_older_charm_is_made_again(generation: str, first: bool):
    app = formed(1, generation)
    app.add(1)
    for unit in ("lxd/1", "lxd/0", "lxd/0"):
        app.hook(unit)
    made_by_older_charm(app, first=first)
    assert json.loads(app.databags["lxd/0"]["token"])["unit"] == "lxd/1"

    app.settle()

    assert names(app) == ["m0", "m1"]
    assert app.own("lxd/1").attempt == 0


def test_who_is_not_refreshed_yet_reads_that_the_others_are():
    app = made_by_older_charm(formed(2), first=False)
    app.hook("lxd/0")

    assert int(app.databags["lxd/0"]["version"]) == VERSION > 1
