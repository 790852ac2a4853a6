# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""An LXD snap that an operator has disabled: nothing is lost, and the status says so."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.lxd_model.generations import NAMES
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import later, leaving, names, with_instance


def disabled(app: ModelApp, unit: str, **facts: Any) -> ModelApp:
    """`snap disable lxd`: LXD ends, and its data stay."""
    found = app.units[unit]
    found.snap.facts_ = replace(
        found.snap.facts_, installed=False, disabled=True, revision="", **facts
    )
    found.server.stop_instances()
    found.server.kill_daemon()
    later(app, 40.0)
    return app


@pytest.mark.parametrize("generation", NAMES)
def test_a_removed_unit_is_held(generation: str):
    app = disabled(with_instance(formed(3, generation), "m2"), "lxd/2")
    leaving(app, "lxd/2")

    plan = app.hook("lxd/2")

    assert "the LXD snap is disabled: snap enable lxd" in plan.hold
    status = "blocked: lxd/2 cannot leave: the LXD snap is disabled: snap enable lxd"
    assert str(plan.status) == status


def test_a_removed_unit_is_held_while_snapd_exchanges_its_lxd():
    app = disabled(with_instance(formed(3), "m2"), "lxd/2", changing=True)
    leaving(app, "lxd/2")

    plan = app.hook("lxd/2")

    assert plan.hold
    assert str(plan.status) == "waiting: for snapd, which is changing the LXD snap"


def test_with_abandon_it_goes():
    app = disabled(with_instance(formed(3), "m2"), "lxd/2")
    app.options["on_remove"] = "abandon"
    leaving(app, "lxd/2")

    assert not app.hook("lxd/2").hold


def test_a_removed_unit_whose_lxd_has_never_run_goes():
    app = formed(2)
    disabled(app, app.add(2).name).units["lxd/2"].server.run = False
    leaving(app, "lxd/2")

    assert not app.hook("lxd/2").hold


@pytest.mark.parametrize(
    ("changing", "status"),
    [
        (False, "blocked: the LXD snap is disabled: snap enable lxd"),
        (True, "waiting: for snapd, which is changing the LXD snap"),
    ],
)
def test_a_unit_that_stays_says_so(changing: bool, status: str):
    app = disabled(formed(3), "lxd/2", changing=changing)

    plan = app.hook("lxd/2")

    assert str(plan.status) == status
    assert plan.steps == ()
    assert names(app) == ["m0", "m1", "m2"]
