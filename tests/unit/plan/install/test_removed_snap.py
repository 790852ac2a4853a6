# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""`snap remove lxd` on a member: its pools and snapd's copy stay, and the status says so."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.lxd_model.generations import NAMES
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import api, later, leaving, with_instance

TOLD = "LXD's snap was removed here; docs: How to recover"


def without_snap(app: ModelApp, unit: str) -> ModelApp:
    """`snap remove lxd`: LXD and its folder are gone."""
    found = app.units[unit]
    found.server.stop_instances()
    found.server.uninstall()
    found.snap.facts_ = replace(found.snap.facts_, installed=False, revision="")
    found.snap.calls.clear()
    return later(app, 40.0)


@pytest.mark.parametrize("generation", NAMES)
@pytest.mark.parametrize("members", [1, 3])
def test_no_fresh_lxd_is_put_in_its_place(generation: str, members: int):
    app = with_instance(formed(members, generation), "m0")

    without_snap(app, "lxd/0").settle()

    assert str(app.plan("lxd/0").status) == f"blocked: {TOLD}"
    assert app.units["lxd/0"].snap.calls == []


@pytest.mark.parametrize("members", [1, 3])
def test_a_removed_unit_is_held(members: int):
    app = without_snap(with_instance(formed(members), "m0"), "lxd/0")
    leaving(app, "lxd/0")

    plan = app.hook("lxd/0")

    assert plan.hold
    assert str(plan.status) == f"blocked: lxd/0 cannot leave: {TOLD}"


def test_with_abandon_it_goes():
    app = without_snap(with_instance(formed(3), "m2"), "lxd/2")
    app.options["on_remove"] = "abandon"
    leaving(app, "lxd/2")

    assert not app.hook("lxd/2").hold


def test_a_unit_whose_member_the_cluster_has_removed_gets_a_fresh_lxd():
    """It can be removed then, as the documentation says."""
    app = formed(3)
    api(app).members.remove("m2")
    app.settle()

    without_snap(app, "lxd/2").settle()

    assert app.units["lxd/2"].snap.calls
    leaving(app, "lxd/2")
    assert not app.hook("lxd/2").hold


def test_after_a_refused_exchange_it_is_not_replaced_either():
    """The note of an unfinished installation is still there."""
    app = formed(3)
    snap = app.units["lxd/2"].snap
    snap.facts_ = replace(snap.facts_, unfinished=True)

    without_snap(app, "lxd/2").settle()

    assert app.units["lxd/2"].snap.calls == []


@pytest.mark.parametrize("members", [1, 3])
def test_a_removed_unit_whose_lxd_was_installed_again_is_held(members: int):
    app = installed_again(without_snap(with_instance(formed(members), "m0"), "lxd/0"), "lxd/0")
    leaving(app, "lxd/0")

    plan = app.hook("lxd/0")

    assert plan.hold
    reason = "lxd/0 cannot leave: LXD here is empty, and was a member; docs: How to recover"
    assert str(plan.status) == f"blocked: {reason}"


def installed_again(app: ModelApp, unit: str) -> ModelApp:
    """`snap install lxd` by hand."""
    found = app.units[unit]
    found.snap.facts_ = replace(found.snap.facts_, installed=True, revision="100")
    found.server.revision = "100"
    found.server.start_daemon()
    return later(app, 10.0)
