# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Instances that ran on a member that is gone, and that do not run: the status names them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from act.leaving import move_off_dead
from actions.forget_lost import forget_lost
from lxd.errors import LxdError, LxdLate
from records import not_running
from state.view import RunHistory
from steps.leaving import MoveOffDead
from tests.lxd_model import by_hand
from tests.lxd_model.generations import NAMES
from tests.lxd_model.records import State
from tests.unit.cutting import cut, cuts
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import (
    api,
    cluster_api,
    fail,
    later,
    leaving,
    locations,
    names,
    server,
    the_cluster,
    with_instance,
    with_pool,
    without,
)

REFUSAL = "Instance is protected from being started"
TOLD = "blocked: default/c1 does not start: start it, or run forget-lost name=m2"


@pytest.fixture(params=NAMES)
def app(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ModelApp:
    """m2 has left. LXD moved c1 and then refused to start it."""

    def refused(project: str, name: str) -> None:
        raise LxdError(REFUSAL)

    app = with_instance(formed(3, request.param), "m2")
    monkeypatch.setattr(app.units["lxd/2"].ports.lxd.instances, "start", refused)
    leaving(app, "lxd/2")
    assert app.hook("lxd/2").hold == ""
    app.remove("lxd/2")
    app.settle()
    return app


def status(app: ModelApp) -> str:
    return str(app.plan("lxd/0").app_status)


def test_the_status_names_what_does_not_start(app: ModelApp):
    assert names(app) == ["m0", "m1"]
    assert status(app) == TOLD
    assert not_running.read(api(app).notes.read()) == {"m2": {"default/c1": REFUSAL}}


def test_once_it_runs_all_is_well(app: ModelApp):
    api(app).instances.start("default", "c1")
    app.settle()

    assert status(app).startswith("active")
    assert not_running.read(api(app).notes.read()) == {}


def test_once_it_is_deleted_all_is_well(app: ModelApp):
    the_cluster(app).instances.clear()
    app.settle()

    assert status(app).startswith("active")


@pytest.mark.parametrize("name", ["m2", "default/c1"])
def test_an_operator_may_leave_it_stopped(app: ModelApp, name: str):
    forget_lost(app.view("lxd/0"), app.units["lxd/0"].ports, name)
    app.settle()

    assert status(app).startswith("active")


def test_a_note_of_somebody_else_names_nothing():
    assert not_running.read({"not-running.m2": "[1]", "not-running.m3": "{"}) == {}


ON_CEPH = {"root": {"type": "disk", "path": "/", "pool": "shared"}}


every_generation = pytest.mark.parametrize("generation", NAMES)


def dead_with_c1(generation: str, **config: str) -> tuple[ModelApp, str]:
    """m3 is cut off or dead, its unit was removed by force, its c1 is in a Ceph. m0 acts next."""
    app = with_pool(formed(4, generation), "shared", "ceph")
    c1 = by_hand.launch(server(app, "m3"), "c1", devices=ON_CEPH)
    the_cluster(app).instances[c1.key] = replace(c1, config=config)
    without(app, "m3").remove("lxd/3")
    return app, "lxd/0"


def moved_off(generation: str, **config: str) -> ModelApp:
    """The leader has removed m3, and c1 is on another member."""
    app, _ = dead_with_c1(generation, **config)
    for _ in range(4):
        later(app, 100.0).settle()
    return app


def reboot_all(app: ModelApp) -> None:
    """All machines reboot at once."""
    for name in names(app):
        server(app, name).reboot()
    later(app, 120.0)


def runs(app: ModelApp) -> bool:
    """Whether c1 runs."""
    (c1,) = api(app, "lxd/1").instances.list()
    return c1.running


@every_generation
def test_what_runs_again_on_a_machine_that_is_back_is_left_alone(generation: str):
    """It was dead when the plan was made: LXD 5.21 and later would kill the instance."""
    app = with_pool(formed(4, generation), "shared", "ceph")
    by_hand.launch(server(app, "m3"), "c1", devices=ON_CEPH)
    step = MoveOffDead("default", "c1", "m3", "m1")

    move_off_dead(step, "lxd/0", app.units["lxd/0"].ports, RunHistory())

    assert locations(app) == {"c1": "m3"}
    assert runs(app)
    assert not_running.read(api(app).notes.read()) == {}


@every_generation
def test_what_ran_on_a_dead_machine_is_named(generation: str):
    app = moved_off(generation)

    assert names(app) == ["m0", "m1", "m2"]
    expected = "blocked: start default/c1 if m3 is off, or run forget-lost"
    assert status(app) == expected


@every_generation
def test_it_is_named_wherever_the_hook_was_killed(generation: str):
    for cutter in cuts(partial(dead_with_c1, generation)):
        app, unit = dead_with_c1(generation)
        cut(app, unit, cutter)
        later(app, 60.0).settle()
        assert status(app).startswith("blocked: start default/c1 if m3 is off"), cutter


@every_generation
@pytest.mark.parametrize("autostart", ["", "true"])
@pytest.mark.parametrize("acknowledged", [False, True])
def test_the_next_start_of_a_daemon_does_not_start_it(
    generation: str, autostart: str, acknowledged: bool
):
    app = moved_off(generation, **({"boot.autostart": autostart} if autostart else {}))
    if acknowledged:
        forget_lost(app.view("lxd/0"), app.units["lxd/0"].ports, "m3")

    reboot_all(app)

    assert not runs(app)


@every_generation
def test_a_hook_that_was_killed_after_the_move_does_not_leave_it_to_the_next_start(generation: str):
    for cutter in cuts(partial(dead_with_c1, generation)):
        app, unit = dead_with_c1(generation)
        cut(app, unit, cutter)
        later(app, 60.0).settle()
        reboot_all(app)
        assert not runs(app), cutter


@every_generation
def test_a_machine_that_reboots_when_it_gets_it_does_not_start_it(
    monkeypatch: pytest.MonkeyPatch, generation: str
):
    app, _ = dead_with_c1(generation)
    with_instance(app, "m0", name="busy")
    instances = app.units["lxd/0"].ports.lxd.instances
    move = instances.move
    moves: list[str] = []

    def rebooted(project: str, name: str, target: str, *, live: bool) -> None:
        move(project, name, target, live=live)
        moves.append(target)
        # The machine of the hook itself runs on.
        for member in ("m1", "m2"):
            server(app, member).reboot()
        app.cloud.now += 60.0

    monkeypatch.setattr(instances, "move", rebooted)
    for _ in range(4):
        later(app, 100.0).settle()

    (c1,) = [i for i in api(app).instances.list() if i.name == "c1"]
    assert (c1.running, c1.location, moves) == (False, "m1", ["m0", "m1"])


@pytest.mark.parametrize("own", ["", "true"])
def test_what_the_operator_starts_starts_with_its_machine_again(own: str):
    app, _ = dead_with_c1("5.21", **({"boot.autostart": own} if own else {}))
    if not own:
        profile = api(app).profiles.default()
        api(app).profiles.set_default({**profile, "config": {"boot.autostart": "true"}})
    before = dict(the_cluster(app).instances["default", "c1"].config)
    for _ in range(4):
        later(app, 100.0).settle()
    (kept,) = api(app).instances.list()

    api(app).instances.start("default", "c1")
    app.settle()

    assert (kept.autostart, kept.kept_stopped) == (False, True)
    assert the_cluster(app).instances["default", "c1"].config == before


def test_forget_lost_says_what_stays_off():
    app = moved_off("5.21", **{"boot.autostart": "true"})

    answer = forget_lost(app.view("lxd/0"), app.units["lxd/0"].ports, "m3")

    assert answer.startswith("m3 is acknowledged; boot.autostart of default/c1 stays off")


@every_generation
@pytest.mark.parametrize("autostart", ["", "true"])
def test_a_second_dead_machine_changes_nothing_about_the_first(generation: str, autostart: str):
    app = moved_off(generation, **({"boot.autostart": autostart} if autostart else {}))
    api(app).instances.move("default", "c1", "m1", live=False)

    without(app, "m1").remove("lxd/1")
    for _ in range(4):
        later(app, 100.0).settle()

    (c1,) = api(app).instances.list()
    assert (names(app), c1.running) == (["m0", "m2"], False)
    assert status(app) == "blocked: start default/c1 if m3 is off, or run forget-lost"


def test_a_refused_move_off_a_second_dead_machine_changes_nothing_about_the_first():
    app = moved_off("5.21")
    api(app).instances.move("default", "c1", "m1", live=False)
    fail(app, "lxd/0", "POST /1.0/instances/NAME")

    without(app, "m1").remove("lxd/1")
    for _ in range(2):
        later(app, 100.0).settle()

    assert not_running.read(api(app).notes.read()) == {"m3": {"default/c1": not_running.DEAD}}


def test_a_move_that_lxd_finishes_later_is_named(monkeypatch: pytest.MonkeyPatch):
    app, _ = dead_with_c1("5.21")
    instances = app.units["lxd/0"].ports.lxd.instances
    move = instances.move

    def late(project: str, name: str, target: str, *, live: bool) -> None:
        move(project, name, target, live=live)
        raise LxdLate("LXD needed more than 600 s")

    monkeypatch.setattr(instances, "move", late)
    later(app, 100.0).settle()
    monkeypatch.undo()
    for _ in range(3):
        later(app, 100.0).settle()

    reboot_all(app)
    assert not runs(app)
    assert status(app).startswith("blocked: start default/c1 if m3 is off")


@every_generation
def test_an_evacuated_unit_that_leaves_does_not_start_it(generation: str):
    app = moved_off(generation)
    (c1,) = cluster_api(app).instances.list()
    the_cluster(app).rows[c1.location].state = State.EVACUATED
    records = the_cluster(app)
    records.instances["default", "c1"] = replace(records.instances["default", "c1"], wanted=True)

    app.leader = "lxd/1"
    leaving(app, "lxd/0")
    for _ in range(3):
        app.hook("lxd/0")
        later(app, 60.0)

    assert not runs(app)
