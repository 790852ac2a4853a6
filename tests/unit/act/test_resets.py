"""A reset of LXD that a killed hook did not finish."""

from __future__ import annotations

import pytest

from state.view import RESET
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


def _with_one_to_join(generation: str) -> tuple[ModelApp, ModelUnit]:
    app = formed(1, generation)
    unit = app.add(1)
    app.hook(unit.name)
    return app, unit
