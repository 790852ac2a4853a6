# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""What a killed hook of a leaving unit has stopped runs again, whatever happens to the unit."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import deadlines
from tests.lxd_model import by_hand
from tests.lxd_model.things import Instance
from tests.unit.cutting import cut, cuts
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import (
    SILENT,
    later,
    leaving,
    locations,
    names,
    note,
    notes,
    server,
    the_cluster,
    with_instance,
    with_pool,
    with_volume,
)


def leaver() -> tuple[ModelApp, str]:
    """The hook of lxd/2 would move c1 off m2, and then leave."""
    return leaving(with_instance(formed(3), "m2"), "lxd/2"), "lxd/2"


def _refused(app: ModelApp) -> None:
    app.options["on_remove"] = "refuse"


def _needed(app: ModelApp) -> None:
    app.options["min_voters"] = 3


def _beside_a_volume(app: ModelApp) -> None:
    with_volume(app, "m2")


def _beside_a_device(app: ModelApp) -> None:
    by_hand.launch(server(app, "m2"), "c9", devices={"gpu0": {"type": "gpu"}})


def _beside_a_dead_member(app: ModelApp) -> None:
    server(app, "m1").power_off()


HOLDS = (_refused, _needed, _beside_a_volume, _beside_a_device, _beside_a_dead_member)


@pytest.mark.parametrize("hold", HOLDS)
def test_what_was_stopped_runs_again_while_something_holds_the_unit(
    hold: Callable[[ModelApp], None],
):
    for cutter in cuts(leaver):
        app, unit = leaver()
        cut(app, unit, cutter)
        if "m2" not in names(app):
            continue
        hold(app)
        later(app, SILENT)
        for _ in range(2):
            app.hook(unit)
        assert the_cluster(app).instances["default", "c1"].running, cutter


def leaver_of_four() -> tuple[ModelApp, str]:
    """The hook of lxd/3 would move c1 off m3, and then leave."""
    return leaving(with_instance(formed(4), "m3"), "lxd/3"), "lxd/3"


def killed_before_the_start(*, moved: bool) -> ModelApp:
    """lxd/3 was killed when it had stopped c1, before or after it had `moved` it off m3."""
    for cutter in cuts(leaver_of_four):
        app, unit = leaver_of_four()
        cut(app, unit, cutter)
        if moved == (locations(app) != {"c1": "m3"}) and not c1(app).running:
            return app
    raise AssertionError("no step is between the stop and the start")


def c1(app: ModelApp) -> Instance:
    return the_cluster(app).instances["default", "c1"]


def hooks(app: ModelApp, seconds: float) -> None:
    """Time passes, and the units that are left have their hooks."""
    later(app, seconds)
    for _ in range(2):
        app.settle()


def test_what_was_moved_runs_again_though_its_member_died_then():
    app = killed_before_the_start(moved=True)
    server(app, "m3").power_off()
    app.remove("lxd/3")
    hooks(app, SILENT)

    assert names(app) == ["m0", "m1", "m2"]
    assert c1(app).running
    assert "ran.m3" not in notes(app)


def test_what_was_moved_runs_again_though_its_unit_was_forced_away():
    app = killed_before_the_start(moved=True)
    app.remove("lxd/3")
    hooks(app, SILENT)
    hooks(app, deadlines.GIVEN_BACK)

    assert "m3" in names(app)
    assert c1(app).running


def test_what_was_stopped_runs_again_on_a_member_that_stays_without_its_unit():
    app = killed_before_the_start(moved=False)
    app.remove("lxd/3")
    hooks(app, SILENT)
    assert not c1(app).running, "its hooks may still run"

    hooks(app, deadlines.GIVEN_BACK)
    assert locations(app) == {"c1": "m3"}
    assert c1(app).running


def test_what_was_moved_to_a_member_that_is_down_runs_again_once_that_is_back():
    app = killed_before_the_start(moved=True)
    target = server(app, c1(app).location)
    for machine in (server(app, "m3"), target):
        machine.power_off()
    app.remove("lxd/3")
    hooks(app, SILENT)
    assert not c1(app).running

    target.power_on()
    hooks(app, SILENT)
    assert c1(app).running


def test_what_is_in_a_ceph_and_may_run_on_the_dead_machine_is_not_started():
    """The note is older than the start that a killed hook has done."""
    app = with_pool(formed(4), "shared", "ceph")
    root = {"root": {"type": "disk", "path": "/", "pool": "shared"}}
    by_hand.launch(server(app, "m3"), "c1", devices=root)
    note(app, "ran.m3", "default/c1")
    server(app, "m3").power_off()
    app.remove("lxd/3")
    hooks(app, SILENT)

    assert names(app) == ["m0", "m1", "m2"]
    assert not c1(app).running
