# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Instances that ran on a member that is gone, and that do not run: the status names them."""

from __future__ import annotations

import pytest

from actions.forget_lost import forget_lost
from lxd.errors import LxdError
from records import not_running
from tests.lxd_model import by_hand
from tests.lxd_model.generations import NAMES
from tests.unit.deeds import (
    api,
    later,
    leaving,
    names,
    server,
    the_cluster,
    with_instance,
    with_pool,
    without,
)
from tests.unit.model_units import ModelApp, formed

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


@pytest.mark.parametrize("generation", NAMES)
def test_what_ran_on_a_dead_machine_is_named(generation: str):
    app = with_pool(formed(4, generation), "shared", "ceph")
    by_hand.launch(server(app, "m3"), "c1", devices=ON_CEPH)
    without(app, "m3").remove("lxd/3")

    for _ in range(4):
        later(app, 100.0).settle()

    assert names(app) == ["m0", "m1", "m2"]
    told = "blocked: start default/c1 if m3 is off, or run forget-lost name=m3"
    assert status(app) == told
