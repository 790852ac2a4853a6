# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""LXD's daemon ends while it makes a pool: its empty folder stays, and LXD does not know it."""

from __future__ import annotations

import pytest

from act.step import act
from act.storage import create_pool
from lxd.errors import LxdError
from state.view import RunHistory
from steps.storage import CreatePool, RemoveLeftFolder
from tests.lxd_model.generations import NAMES
from tests.unit.findings import m1_in_errors
from tests.unit.model_units import formed
from tests.unit.scenarios import changed, names, the_cluster


@pytest.mark.parametrize("generation", NAMES)
@pytest.mark.parametrize("units", [("lxd/0",), ("lxd/1",), ("lxd/0", "lxd/1", "lxd/2")])
def test_a_pool_is_made_although_its_empty_folder_was_left(units: tuple[str, ...], generation: str):
    app = formed(3, generation)
    for unit in units:
        app.units[unit].server.pool_folders.add("fast")

    changed(app, storage_pools="fast: dir")
    app.settle()

    assert the_cluster(app).pools["fast"].status == "Created"
    assert not any(unit.server.pool_folders for unit in app.units.values())


def test_the_folder_of_a_pool_that_no_option_asks_for_stays():
    app = formed(3)
    app.units["lxd/1"].server.pool_folders.add("mine")

    changed(app, storage_pools="fast: dir")

    assert app.units["lxd/1"].server.pool_folders == {"mine"}


def test_a_folder_stays_if_its_pool_was_begun_since_the_plan():
    app = formed(3)
    unit = app.units["lxd/1"]
    unit.server.pool_folders.add("local")

    act(RemoveLeftFolder("local"), "lxd/1", unit.ports, RunHistory())

    assert unit.server.pool_folders == {"local"}


@pytest.mark.parametrize("generation", NAMES)
@pytest.mark.parametrize("unit", ["lxd/0", "lxd/1"])
def test_the_error_says_which_machine_has_the_folder(unit: str, generation: str):
    app = formed(3, generation)
    app.units[unit].server.pool_folders.add("fast")
    step = CreatePool("fast", "dir", {}, {name: {} for name in names(app)})
    place = {"lxd/0": "this machine", "lxd/1": m1_in_errors(generation)}[unit]

    with pytest.raises(LxdError, match=f"^already on {place}; rename it$"):
        create_pool(step, "lxd/0", app.units["lxd/0"].ports, RunHistory())
