# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Names of members if machines of several domains have one short name."""

from __future__ import annotations

import random

import pytest

from plan.forming import member_names
from tests.lxd_model.generations import NAMES
from tests.unit import views
from tests.unit.findings import statuses
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import later, names, server
from tests.unit.views import data


@pytest.mark.parametrize(
    ("own", "others", "meant"),
    [
        pytest.param("", {}, "m0", id="nobody else"),
        pytest.param("", {1: "m1", 2: "m2"}, "m0", id="others have other names"),
        pytest.param("", {1: "m0"}, "m0-0", id="a member has it"),
        pytest.param("m0-0", {1: "m1"}, "m0-0", id="what was told stays"),
        pytest.param("m9-0", {1: "m1"}, "m0", id="the machine was renamed"),
    ],
)
def test_a_name_that_another_has_gets_the_units_number(
    own: str, others: dict[int, str], meant: str
):
    unit_data = {number: data(number, name=name) for number, name in others.items()}
    peers = views.peers(data(0, cluster="", name=own), unit_data)

    assert member_names.of_unit(views.view(None, peers), peers) == meant


def test_the_first_unit_in_the_queue_keeps_the_name():
    """They are not members yet."""
    peers = views.peers(data(0, cluster=""), {1: data(1, cluster="", name="m0")})

    assert member_names.of_unit(views.view(None, peers), peers) == "m0"


@pytest.mark.parametrize("generation", NAMES)
def test_machines_of_one_name_become_one_cluster(generation: str):
    app = formed(1, generation)
    for number in (1, 2):
        app.add(number, hostname="m0")

    app.settle()

    assert names(app) == ["m0", "m0-1", "m0-2"]
    assert statuses(app)["lxd/2"] == "active: member m0-2, voter"
    assert statuses(app)["app"] == "active: 3 members, 3 voters"


@pytest.mark.parametrize("seed", range(20))
def test_in_any_order_of_hooks_each_has_a_name_of_its_own(seed: int):
    app, luck = ModelApp(), random.Random(seed)
    for number in range(4):
        app.add(number, hostname="node")

    for _ in range(60):
        app.hook(luck.choice(list(app.units)), commit=luck.random() > 0.2)
        later(app, 5.0)
    app.settle()

    assert len(names(app)) == 4
    assert {name.partition("-")[0] for name in names(app)} == {"node"}
    assert all(app.own(u).name in (f"node-{u[-1]}", "node") for u in app.units)


def test_a_name_stays_when_the_first_one_of_it_leaves():
    app = formed(2)
    app.add(2, hostname="m0")
    app.settle()

    app.leaving.add("lxd/0")
    assert not app.hook("lxd/0").hold
    app.remove("lxd/0")
    app.leader = "lxd/1"
    app.settle()

    assert names(app) == ["m0-2", "m1"]


def test_a_machine_that_came_back_from_maas_does_not_wait_for_its_old_member():
    """`remove-unit --force`, and MAAS deploys the machine again under its name at once."""
    app = formed(4)
    server(app, "m3").power_off()
    app.remove("lxd/3")
    app.add(4, hostname="m3").server.address = "10.0.0.44"
    app.units["lxd/4"].address = "10.0.0.44"

    for _ in range(4):
        app.settle()
        later(app, 30.0)
    app.settle()

    assert "m3-4" in names(app)
    assert statuses(app)["lxd/4"].startswith("active: member m3-4")


def test_a_name_that_is_taken_with_its_number_is_for_the_operator():
    app = formed(2)
    app.add(2, hostname="m0-3")
    app.settle()
    app.add(3, hostname="m0")

    app.settle()

    assert statuses(app)["lxd/3"] == "blocked: lxd/2 also has the name m0-3: rename this machine"


@pytest.mark.parametrize("number", [0, 1])
def test_no_member_has_the_name_that_lxd_has_without_a_cluster(number: int):
    app = ModelApp()
    for other in range(2):
        app.add(other, hostname="none" if other == number else "")

    app.settle()

    assert names(app) == sorted(f"none-{n}" if n == number else f"m{n}" for n in range(2))
