# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Marks of members whose units were to leave: they end when another unit has the member."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from actions import refusal
from actions.take_back import take_back
from state import peers
from state.facts import Resource
from state.notes import IDENTITY
from tests.lxd_model.generations import NAMES
from tests.unit.findings import notes, statuses
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import later, leaving, names, the_cluster, with_instance


def held(generation: str, *units: str) -> ModelApp:
    """These units are removed, and an instance of each holds it. LXD places nothing there."""
    app = formed(3, generation)
    for number in range(3):
        with_instance(app, f"m{number}", "stop", f"c{number}")
    leaving(app, *units)
    assert all(app.hook(unit).hold for unit in units)
    for unit in units:
        app.units[unit].ports.lxd.members.close(app.units[unit].server.name)
    return app


def again(app: ModelApp, *units: str) -> ModelApp:
    """New units on the same machines."""
    machines = [app.units[name] for name in units]
    for name in units:
        app.remove(name)
    for number, unit in enumerate(machines, 10):
        unit.name = f"lxd/{number}"
        app.enter(unit)
    app.leader = min(app.units, key=lambda name: (name in units, name))
    for _ in range(8):
        for name in tuple(app.units):
            app.hook(name)
        later(app, 120.0)
    return app


def forced(generation: str) -> ModelApp:
    """`juju remove-unit --force`, then `juju add-unit --to` the same machine."""
    return again(held(generation, "lxd/1"), "lxd/1")


def emptied(generation: str) -> ModelApp:
    """All units leave once the cause is deleted, and others come to their machines."""
    units = ("lxd/0", "lxd/1", "lxd/2")
    app = held(generation, *units)
    the_cluster(app).instances.clear()
    assert not any(app.hook(unit).hold for unit in units)
    return again(app, *units)


def deployed_again(generation: str) -> ModelApp:
    """The application goes with `on-remove=abandon`, and another one takes the cluster back."""
    app = held(generation, "lxd/0", "lxd/1", "lxd/2")
    app.options = {"on_remove": "abandon"}
    assert not any(app.hook(unit).hold for unit in app.units)
    machines = list(app.units.values())
    for number, unit in enumerate(machines, 5):
        unit.name = f"lxd/{number}"
    app.units = {unit.name: unit for unit in machines}
    app.databags = {name: {} for name in app.units}
    app.app_data, app.leader, app.options, app.leaving = {}, "lxd/5", {}, set()
    app.settle()
    confirm = refusal.confirmation("take-back", notes(app)[IDENTITY][:8])
    taken = take_back(app.view("lxd/5"), app.units["lxd/5"].ports, confirm)
    app.app_data = peers.dump(taken)
    app.settle()
    return app


@pytest.mark.parametrize("begin", [forced, emptied, deployed_again])
@pytest.mark.parametrize("generation", NAMES)
def test_a_member_with_another_unit_does_not_leave(
    generation: str, begin: Callable[[str], ModelApp]
):
    app = begin(generation)

    assert statuses(app)["app"] == "active: 3 members, 3 voters"
    assert not [key for key in notes(app) if key.startswith(("leaving.", "unmoved."))]
    assert {row.config.get("scheduler.instance", "") for row in the_cluster(app).members} == {""}


def test_after_that_units_join():
    app = deployed_again("5.21")
    app.add(8)

    for _ in range(8):
        for name in tuple(app.units):
            app.hook(name)
        later(app, 120.0)

    assert len(names(app)) == 4


@pytest.mark.parametrize("generation", NAMES)
def test_nobody_waits_for_a_held_unit_that_was_removed_by_force(generation: str):
    """Its member runs on, and belongs to the operator: it never leaves by itself."""
    app = held(generation, "lxd/1")
    app.remove("lxd/1")
    for _ in range(4):
        later(app, 600.0)
        app.settle()

    app.resource = Resource("/lxd.snap", "new")
    for unit in app.units.values():
        unit.snap.offered = "6.10"
    app.settle()

    assert "until m1 has left" not in statuses(app)["lxd/0"]
    assert "m1 has no unit" in statuses(app)["lxd/0"]
