# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A reset of LXD that a killed hook did not finish."""

from __future__ import annotations

import pytest

from lxd import clock_errors
from lxd.errors import LxdError
from state.view import RESET
from tests.lxd_model import by_hand
from tests.lxd_model.generations import NAMES
from tests.unit.model_units import ModelApp, ModelUnit, formed


@pytest.mark.parametrize("generation", NAMES)
def test_a_reset_that_was_cut_short_with_the_daemon_stopped_is_done_again(generation: str):
    app, unit = _with_one_to_join(generation)
    unit.machine.note_forming(RESET, app.cloud.now, ())
    unit.snap.stop()

    app.settle()

    assert app.own(unit.name).cluster
    assert unit.machine.forming() is None


@pytest.mark.parametrize("generation", NAMES)
def test_a_reset_that_was_cut_short_with_the_daemon_running_is_done_again(generation: str):
    app, unit = _with_one_to_join(generation)
    unit.machine.note_forming(RESET, app.cloud.now, ())

    app.settle()

    assert app.own(unit.name).cluster
    assert "stop" in unit.snap.calls


@pytest.mark.parametrize("generation", NAMES)
def test_an_lxd_with_an_image_is_not_reset(generation: str):
    """Somebody imported it after a join was interrupted."""
    app, unit = _with_one_to_join(generation)
    by_hand.add_image(unit.server, "f" * 64)
    unit.ports.lxd.pools.create("local", "dir", {}, {})
    unit.machine.note_forming("join", app.cloud.now, ())

    app.settle()

    status = "blocked: LXD here has the image ffffffffffff: export it, then delete it"
    assert str(app.plan(unit.name).status) == status
    assert "f" * 64 in unit.server.records.images


@pytest.mark.parametrize(
    ("why", "stays"),
    [("The provided certificate isn't valid yet", False), ("connection refused", True)],
)
def test_a_certificate_that_was_made_by_a_wrong_clock_is_deleted(
    why: str, stays: bool, monkeypatch: pytest.MonkeyPatch
):
    """incus-deploy PR 13, LXD issue 13388: it is useless for as long as the clock was ahead."""
    app, unit = _with_one_to_join("5.21")
    before = unit.server.certificate

    def refuse(*_: object) -> None:
        raise LxdError(clock_errors.with_cure(f"Failed to setup cluster trust: {why}"))

    with monkeypatch.context() as patched:
        patched.setattr(type(unit.ports.lxd.cluster), "join", refuse)
        app.settle()
    assert (unit.server.certificate == before) is stays
    assert ("timedatectl" in app.plan(unit.name).status.message) is not stays

    unit.machine.forget_failures()
    app.settle()

    assert app.own(unit.name).cluster


@pytest.mark.parametrize("generation", NAMES)
def test_a_machine_renamed_after_a_failed_join_joins_under_its_new_name(generation: str):
    """The cluster trusts its certificate under the old name."""
    app, unit = _with_one_to_join(generation)
    app.units["lxd/0"].server.records.trusted[unit.server.certificate] = "m1"
    unit.server.hostname = "renamed"

    app.settle()

    assert app.own(unit.name).cluster
    assert app.plan(unit.name).status.message.startswith("member renamed")


def _with_one_to_join(generation: str) -> tuple[ModelApp, ModelUnit]:
    app = formed(1, generation)
    unit = app.add(1)
    app.hook(unit.name)
    return app, unit
