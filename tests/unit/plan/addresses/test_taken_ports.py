# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""LXD's port belongs to another program: LXD keeps the address, and does not listen."""

from __future__ import annotations

import pytest

from tests.lxd_model.cloud import Cloud
from tests.lxd_model.generations import NAMES
from tests.lxd_model.listeners import Listeners
from tests.unit.findings import statuses
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import later, names

NGINX = "nginx (pid 812)"


@pytest.mark.parametrize("generation", NAMES)
def test_a_bootstrap_unit_without_the_port_makes_nothing(generation: str):
    app = ModelApp(cloud=Cloud(generation=generation))
    bootstrap_unit = app.add(0).server
    app.add(1)
    bootstrap_unit.listeners.taken["10.0.0.1:8443"] = NGINX

    app.settle()

    reason = "nginx (pid 812) has port 8443 of 10.0.0.1, which LXD needs: stop it"
    assert statuses(app)["lxd/0"] == f"blocked: {reason}"
    assert statuses(app)["app"] == f"blocked: {reason}"
    assert not bootstrap_unit.records.clustered
    del bootstrap_unit.listeners.taken["10.0.0.1:8443"]
    app.settle()
    assert names(app) == ["m0", "m1"]


@pytest.mark.parametrize("generation", NAMES)
def test_a_joiner_without_the_port_keeps_nobody_else_out(generation: str):
    app = formed(1, generation)
    app.add(1).server.listeners.taken["10.0.0.2:8443"] = NGINX
    app.add(2)

    app.settle()

    assert statuses(app)["lxd/1"].startswith(f"blocked: {NGINX} has port 8443 of 10.0.0.2")
    assert names(app) == ["m0", "m2"]
    app.units["lxd/1"].server.listeners.taken.clear()
    app.settle()
    assert names(app) == ["m0", "m1", "m2"]


@pytest.mark.parametrize("generation", NAMES)
def test_a_member_whose_daemon_started_without_the_port_says_so(generation: str):
    app = formed(3, generation)
    server = app.units["lxd/1"].server
    server.listeners.taken["10.0.0.2:8443"] = NGINX
    server.restart()
    later(app, 60.0)

    app.hook("lxd/1")

    unit_statuses = statuses(app)
    assert unit_statuses["lxd/1"].startswith(f"blocked: {NGINX} has port 8443 of 10.0.0.2")
    assert "recover-quorum" not in "".join(unit_statuses.values())
    server.listeners.taken.clear()
    later(app, 60.0)
    app.settle()
    assert statuses(app)["app"] == "active: 3 members, 3 voters"


@pytest.mark.parametrize("generation", NAMES)
def test_an_address_that_lxd_accepts_without_listening_is_not_taken_for_done(
    generation: str, monkeypatch: pytest.MonkeyPatch
):
    app = ModelApp(cloud=Cloud(generation=generation))
    server = app.add(0).server

    def accept(_: Listeners, endpoint: str) -> None:
        del endpoint

    with monkeypatch.context() as patched:
        patched.setattr(Listeners, "set_core", accept)
        patched.setattr(Listeners, "set_cluster", accept)
        hold = [app.hook("lxd/0").hold for _ in range(3)][-1]

    assert hold.endswith("LXD does not listen on port 8443 of 10.0.0.1: no program does")
    assert not server.records.clustered
    app.settle()
    assert names(app) == ["m0"]
