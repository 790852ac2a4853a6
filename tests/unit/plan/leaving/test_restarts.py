# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""What a killed hook of a leaving unit has stopped runs again, whatever happens to the unit."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.lxd_model import by_hand
from tests.unit.cutting import cut, cuts
from tests.unit.deeds import (
    SILENT,
    later,
    leaving,
    names,
    server,
    the_cluster,
    with_instance,
    with_volume,
)
from tests.unit.model_units import ModelApp, formed


def leaver() -> tuple[ModelApp, str]:
    """The hook of lxd/2 would move c1 off m2, and then leave."""
    return leaving(with_instance(formed(3), "m2"), "lxd/2"), "lxd/2"


def _refused(app: ModelApp) -> None:
    app.options["on_remove"] = "refuse"


def _needed(app: ModelApp) -> None:
    app.options["min_voters"] = 3


def _beside_a_volume(app: ModelApp) -> None:
    with_volume(app, "m2")


def _beside_a_device(app: ModelApp) -> None:
    by_hand.launch(server(app, "m2"), "c9", devices={"gpu0": {"type": "gpu"}})


def _beside_a_dead_member(app: ModelApp) -> None:
    server(app, "m1").power_off()


HOLDS = (_refused, _needed, _beside_a_volume, _beside_a_device, _beside_a_dead_member)


@pytest.mark.parametrize("hold", HOLDS)
def test_what_was_stopped_runs_again_while_something_holds_the_unit(
    hold: Callable[[ModelApp], None],
):
    for cutter in cuts(leaver):
        app, unit = leaver()
        cut(app, unit, cutter)
        if "m2" not in names(app):
            continue
        hold(app)
        later(app, SILENT)
        for _ in range(2):
            app.hook(unit)
        assert the_cluster(app).instances["default", "c1"].running, cutter
