# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Each operation is interrupted at each of its steps once, and continued.

A hook is killed before one change of LXD, of snapd or of the disk, or right after it; or snapd is
busy. The result is always the same: the operation ends as if nothing had happened.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.unit.cutting import Cutter, cut, cuts
from tests.unit.model_units import ModelApp
from tests.unit.operations.forming import ACTS, refresh_another, resetting
from tests.unit.scenarios import later, locations, names


@pytest.mark.parametrize("act", ACTS)
def test_an_act_that_was_cut_is_taken_up_again(act: Callable[[], tuple[ModelApp, str]]):
    tried = list(cuts(act))
    assert tried
    for cutter in tried:
        app, unit = act()
        cut(app, unit, cutter)
        if act is resetting:
            refresh_another(app, app.cloud.version)
            later(app, 60.0)
        _ends_well(app, unit, cutter)


def _ends_well(app: ModelApp, unit: str, cutter: Cutter) -> None:
    if unit in app.leaving:
        held = [app.hook(unit).hold for _ in range(4)]
        assert not held[-1], f"{cutter}: {held[-1]}"
        assert (names(app), locations(app)["c1"] == "m2") == (["m0", "m1"], False), cutter
        return
    app.settle()
    states = {u: str(app.plan(u).status) for u in app.units}
    assert all(state.startswith("active") for state in states.values()), f"{cutter}: {states}"
    assert len(names(app)) == len(app.units), cutter
