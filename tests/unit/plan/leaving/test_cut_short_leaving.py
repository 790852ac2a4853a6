# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A leaving unit is killed at each step once: nothing is lost, and everything runs in the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.lxd_model import by_hand
from tests.lxd_model.generations import NAMES
from tests.lxd_model.things import Instance
from tests.unit.cutting import Cutter, cut, cuts
from tests.unit.deeds import (
    SILENT,
    fail,
    heal,
    later,
    leaving,
    locations,
    names,
    server,
    the_cluster,
    with_instance,
    with_volume,
)
from tests.unit.model_units import ModelApp, formed

GPU = {"gpu0": {"type": "gpu"}}
MOVE = "POST /1.0/instances/NAME"


def full(generation: str) -> ModelApp:
    """Two instances run on the member, one is stopped."""
    app = with_instance(with_instance(formed(3, generation), "m2"), "m2", name="c2")
    by_hand.create(server(app, "m2"), "c3")
    return app


def emptying(generation: str) -> tuple[ModelApp, str]:
    return leaving(full(generation), "lxd/2"), "lxd/2"


def emptying_evacuated(generation: str) -> tuple[ModelApp, str]:
    """Somebody evacuated the member; LXD left an instance there, stopped."""
    app = full(generation)
    by_hand.launch(server(app, "m2"), "c4", devices=GPU)
    by_hand.evacuate(server(app, "m2"))
    app.cloud.stopped.clear()
    stopped = the_cluster(app).instances["default", "c4"]
    # It can move now. The model does not have LXD's key for what ran when it was stopped.
    config = {**stopped.config, "volatile.last_state.power": "RUNNING"}
    the_cluster(app).instances["default", "c4"] = replace(stopped, devices={}, config=config)
    return leaving(app, "lxd/2"), "lxd/2"


def copying_images(generation: str) -> tuple[ModelApp, str]:
    """Only this member has an image."""
    app = with_instance(formed(3, generation, images_replicas=1), "m2")
    by_hand.add_image(server(app, "m2"), "ab" * 32)
    return leaving(app, "lxd/2"), "lxd/2"


def abandoning(generation: str) -> tuple[ModelApp, str]:
    """By the operator's permission a volume stays behind, and an instance that cannot move."""
    app = with_volume(full(generation), "m2")
    by_hand.launch(server(app, "m2"), "c4", devices=GPU)
    app.options["on_remove"] = "abandon"
    return leaving(app, "lxd/2"), "lxd/2"


def second_of_two(generation: str) -> tuple[ModelApp, str]:
    """Another one has just left: LXD decides which of the last two has the database."""
    app = leaving(with_instance(full(generation), "m1", name="c4"), "lxd/1", "lxd/2")
    assert app.hook("lxd/1").hold == ""
    app.remove("lxd/1")
    return app, "lxd/2"


Act = Callable[[str], tuple[ModelApp, str]]

ACTS: list[tuple[Act, str]] = [
    *((emptying, generation) for generation in NAMES),
    (emptying_evacuated, "5.21"),
    (copying_images, "5.0"),
    (abandoning, "6.9"),
    (second_of_two, "5.21"),
]
"""The operations, each with its LXD: each takes seconds."""


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
