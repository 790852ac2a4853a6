# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A leaving unit is killed at each step once: nothing is lost, and everything runs in the end."""

from __future__ import annotations

import pytest

from tests.lxd_model.generations import NAMES
from tests.lxd_model.things import Instance
from tests.unit.cutting import Cutter, cut, cuts
from tests.unit.model_units import ModelApp
from tests.unit.operations.leaving import ACTS, Act, emptying, full
from tests.unit.scenarios import (
    SILENT,
    fail,
    heal,
    later,
    locations,
    names,
    server,
    the_cluster,
)

MOVE = "POST /1.0/instances/NAME"


@pytest.mark.parametrize(("act", "generation"), ACTS)
def test_one_that_is_killed_while_it_leaves_leaves_with_a_later_hook(act: Act, generation: str):
    def begin() -> tuple[ModelApp, str]:
        return act(generation)

    ran = running(begin()[0])
    tried = list(cuts(begin))
    assert tried
    for cutter in tried:
        app, unit = begin()
        cut(app, unit, cutter)
        later(app, 60.0)
        for name in app.units.keys() - app.leaving:
            app.hook(name)
        held = [app.hook(unit).hold for _ in range(3)]
        assert not held[-1], f"{cutter}: {held[-1]}"
        _ends_well(app, ran, cutter)


def running(app: ModelApp) -> dict[str, bool]:
    """By instance: whether it runs. What LXD stopped in an evacuation must run again."""
    return {i.name: i.running or _was_running(i) for i in the_cluster(app).instances.values()}


def _was_running(instance: Instance) -> bool:
    return instance.config.get("volatile.last_state.power") == "RUNNING"


def _ends_well(app: ModelApp, ran: dict[str, bool], cutter: Cutter) -> None:
    stay = sorted(f"m{unit.partition('/')[2]}" for unit in app.units.keys() - app.leaving)
    assert names(app) == stay, cutter
    left = {"c4"} if app.options.get("on_remove") == "abandon" else set[str]()
    kept = {name: runs for name, runs in ran.items() if name not in left}
    assert set(locations(app).values()) <= set(stay), cutter
    assert {i.name: i.running for i in the_cluster(app).instances.values()} == kept, cutter
    if images := the_cluster(app).images:
        assert all(image.copies & set(stay) for image in images.values()), cutter
    assert app.cloud.stopped == [], cutter


@pytest.mark.parametrize("generation", ["6.9"])
def test_one_that_is_killed_while_no_member_takes_its_instances_runs_them_here(generation: str):
    """The record of what could not be moved is one of the steps."""

    def begin() -> tuple[ModelApp, str]:
        app, unit = emptying(generation)
        return fail(app, unit, MOVE), unit

    for cutter in list(cuts(begin)):
        app, unit = begin()
        cut(app, unit, cutter)
        later(app, 60.0)
        assert "could not be moved" in app.hook(unit).hold, cutter
        assert running(app) == {"c1": True, "c2": True, "c3": False}, cutter
        assert set(locations(app).values()) == {"m2"}, cutter
        assert "lxd/2 cannot leave: default/c" in str(app.plan("lxd/0").app_status), cutter
        heal(app)
        assert app.hook(unit).hold == "", cutter
        _ends_well(app, {"c1": True, "c2": True, "c3": False}, cutter)


@pytest.mark.parametrize("generation", NAMES)
def test_a_leader_that_is_killed_while_it_removes_a_dead_member_does_so_with_its_next_hook(
    generation: str,
):
    """The record has what was on the member, whatever the hook's result."""

    def begin() -> tuple[ModelApp, str]:
        app = full(generation)
        server(app, "m2").power_off()
        app.remove("lxd/2")
        return later(app, SILENT), "lxd/0"

    tried = list(cuts(begin))
    assert tried
    for cutter in tried:
        app, unit = begin()
        cut(app, unit, cutter)
        later(app, 60.0)
        app.settle()
        assert names(app) == ["m0", "m1"], cutter
        assert "lost with m2: default/c1 and 2 more" in str(app.plan("lxd/0").app_status), cutter
