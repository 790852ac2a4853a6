# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A unit that is removed while the members exchange LXD for another release."""

from __future__ import annotations

from itertools import permutations

import pytest

from tests.unit.model_units import ModelApp, formed
from tests.unit.operations.exchanges import NEXT, attached, fetched
from tests.unit.scenarios import leaving, names, with_instance

UNITS = ("lxd/0", "lxd/1", "lxd/2")


def exchanged(app: ModelApp, *units: str) -> ModelApp:
    """All units have the file, and these have installed it."""
    fetched(attached(NEXT, app))
    for unit in units:
        app.hook(unit)
    return app


def gone(app: ModelApp, rounds: int = 6) -> ModelApp:
    """Juju runs hooks in turn, and removes each leaving unit that nothing holds."""
    for _ in range(rounds):
        for unit in [*app.units]:
            plan = app.hook(unit)
            if unit in app.leaving and not plan.hold:
                app.remove(unit)
    app.settle()
    return app


@pytest.mark.parametrize("begun", range(4))
@pytest.mark.parametrize("order", [*permutations(UNITS)], ids=" ".join)
def test_a_unit_leaves_whenever_it_is_removed(order: tuple[str, ...], begun: int):
    app = exchanged(with_instance(formed(3), "m2"), *order[:begun])

    gone(leaving(app, "lxd/2"))

    assert names(app) == ["m0", "m1"]
    assert {unit.server.version for unit in app.units.values()} == {NEXT}
    assert app.units.keys() == {"lxd/0", "lxd/1"}
