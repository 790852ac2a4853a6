# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Instances that a gone unit had stopped: what the leader must not start."""

from __future__ import annotations

import pytest

import deadlines
from lxd.errors import LxdError, LxdLate
from records import member_marks
from tests.lxd_model import by_hand
from tests.lxd_model.generations import NAMES
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import (
    SILENT,
    api,
    later,
    leaving,
    locations,
    names,
    note,
    server,
    the_cluster,
    with_instance,
    with_pool,
)

ON_CEPH = {"root": {"type": "disk", "path": "/", "pool": "shared"}}
NOTES = ["default/c1", '{"default/c1": "m4"}']
"""An older charm's, and this one's, which names the member that takes the instance."""


def cut_off(generation: str, stopped: str) -> ModelApp:
    """c1 runs on m4, and lxd/5, which moved it there, had no time to remove its note."""
    app = with_pool(formed(6, generation), "shared", "ceph")
    by_hand.launch(server(app, "m4"), "c1", devices=ON_CEPH)
    return note(app, "ran.m5", stopped)


def runs(app: ModelApp) -> bool:
    return the_cluster(app).instances["default", "c1"].running


@pytest.mark.parametrize("stopped", NOTES)
@pytest.mark.parametrize("generation", NAMES)
def test_what_may_run_on_a_dead_machine_is_not_started_by_another_note(
    generation: str, stopped: str
):
    """Both machines are in one rack, which is cut off. The operator gives both units up."""
    app = cut_off(generation, stopped)

    for member, unit in (("m4", "lxd/4"), ("m5", "lxd/5")):
        server(app, member).power_off()
        app.remove(unit)
    for _ in range(3):
        later(app, SILENT)
        app.settle()

    assert names(app) == ["m0", "m1", "m2", "m3"]
    assert (locations(app)["c1"] in names(app), runs(app)) == (True, False)


@pytest.mark.parametrize("stopped", NOTES)
@pytest.mark.parametrize("generation", NAMES)
def test_what_an_operator_took_off_a_dead_machine_is_left_to_the_operator(
    generation: str, stopped: str
):
    app = cut_off(generation, stopped)
    server(app, "m4").power_off()
    server(app, "m5").power_off()
    app.remove("lxd/5")
    later(app, SILENT)

    api(app).instances.move("default", "c1", "m0", live=False)
    for _ in range(3):
        later(app, SILENT)
        app.settle()

    assert (locations(app), runs(app)) == ({"c1": "m0"}, False)


@pytest.mark.parametrize("stopped", NOTES)
@pytest.mark.parametrize("generation", NAMES)
def test_the_leaving_unit_does_not_start_it_either(generation: str, stopped: str):
    app = cut_off(generation, stopped)
    leaving(app, "lxd/5")
    server(app, "m4").power_off()
    app.remove("lxd/4")

    for _ in range(4):
        later(app, SILENT)
        for unit in ("lxd/0", "lxd/1", "lxd/5"):
            app.hook(unit)

    assert not runs(app)


def kept(generation: str, stopped: str, evacuate: str = "") -> ModelApp:
    """The unit of m3 is gone by force, and its member runs on: it belongs to the operator."""
    app = with_instance(formed(4, generation), "m3", evacuate)
    app.remove("lxd/3")
    app.settle()
    later(app, deadlines.GIVEN_BACK + 10)
    app.settle()
    return note(app, "ran.m3", stopped)


def test_what_an_older_charm_noted_is_not_started():
    """Nobody knows how old it is: an operator may have stopped the instance since."""
    app = kept("5.21", "default/c1")
    api(app).instances.stop("default", "c1", 10)

    app.settle()

    assert not runs(app)
    assert member_marks.stopped("m3", api(app).notes.read()) == {}


@pytest.mark.parametrize("generation", ["5.21", "6.9"])
def test_the_leader_does_not_end_the_evacuation_of_an_operators_member(generation: str):
    app = kept(generation, '{"default/c1": "m0"}', "stop")

    by_hand.evacuate(server(app, "m0"), "m3")
    app.settle()

    (member,) = (m for m in api(app).members.list() if m.name == "m3")
    assert member.evacuated


@pytest.mark.parametrize(
    "refusal",
    [LxdLate("no answer"), LxdError('Instance is busy running a "start" operation')],
    ids=["late", "busy"],
)
def test_an_instance_that_never_starts_does_not_keep_the_leader_busy(
    refusal: Exception, monkeypatch: pytest.MonkeyPatch
):
    app = kept("5.21", '{"default/c1": "m0"}')
    api(app).instances.stop("default", "c1", 10)

    def start(project: str, name: str) -> None:
        del project, name
        raise refusal

    for unit in app.units.values():
        monkeypatch.setattr(unit.ports.lxd.instances, "start", start)
    for _ in range(3):
        app.hook("lxd/0")

    assert app.plan("lxd/0").steps == ()
