# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A machine whose firewall closes port 8443 is not admitted: no other member would reach it."""

from __future__ import annotations

import errno

import pytest

from tests.lxd_model.generations import NAMES
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import leaving, names, with_instance

FIREWALLS = [
    TimeoutError("timed out"),
    OSError(errno.EHOSTUNREACH, "No route to host"),
    ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"),
]
WHY = "blocked: m{} cannot reach port 8443 of 10.0.0.{}: open it in the firewall"


def behind(app: ModelApp, number: int, firewall: OSError) -> ModelApp:
    """One more unit, whose machine accepts no connection."""
    app.add(number).server.firewall = firewall
    return app


@pytest.mark.parametrize("generation", NAMES)
@pytest.mark.parametrize("firewall", FIREWALLS, ids=lambda error: type(error).__name__)
def test_a_unit_that_cannot_be_reached_stays_outside_until_it_can(
    firewall: OSError, generation: str
):
    app = behind(formed(2, generation), 2, firewall)
    app.settle()
    status = app.plan("lxd/2").status
    assert (str(status), len(status.message) < 80) == (WHY.format(1, 3), True)
    assert names(app) == ["m0", "m1"]

    app.units["lxd/2"].server.firewall = None
    app.settle()
    assert names(app) == ["m0", "m1", "m2"]


def test_a_unit_that_cannot_be_reached_keeps_no_other_from_joining():
    app = behind(formed(1), 1, FIREWALLS[0])
    app.add(2)
    app.settle()

    assert names(app) == ["m0", "m2"]


def test_the_bootstrap_unit_waits_for_nobody_to_reach_it():
    app = behind(ModelApp(), 0, FIREWALLS[0])
    app.settle()

    assert names(app) == ["m0"]


def test_a_lone_member_that_leaves_tries_the_port_too():
    app = behind(with_instance(formed(1), "m0"), 1, FIREWALLS[0])
    app.hook("lxd/1")
    leaving(app, "lxd/0")
    app.publishing.add("lxd/0")
    app.hook("lxd/0")

    assert app.own("lxd/0").token is None
    assert str(app.plan("lxd/1").status) == WHY.format(0, 2)
