"""`juju bind` moves the API of all members: one at a time, each seen to answer before the next."""

from __future__ import annotations

import pytest

from addresses import endpoint
from tests.lxd_model.generations import NAMES
from tests.unit.model_units import ModelApp, formed


def bound_elsewhere(generation: str) -> ModelApp:
    """An operator has bound `https` to another space."""
    app = formed(3, generation)
    for number, unit in enumerate(app.units.values()):
        unit.https = f"10.1.0.{number + 1}"
        unit.server.addresses = {*unit.server.addresses, unit.https}
    return app


@pytest.mark.parametrize("generation", NAMES)
def test_the_clusters_listener_comes_back_wherever_lxd_has_closed_it(generation: str):
    app = bound_elsewhere(generation)

    app.settle()

    for unit in app.units.values():
        listeners = unit.server.listeners
        assert listeners.listens(endpoint(unit.https))
        assert listeners.listens(endpoint(unit.address))
        assert unit.snap.reloads == 1


@pytest.mark.parametrize("generation", NAMES)
def test_no_member_begins_while_another_is_not_reached(generation: str):
    app = bound_elsewhere(generation)
    app.units["lxd/1"].server.freeze()

    app.hook("lxd/0")

    unit = app.units["lxd/0"]
    assert unit.snap.reloads == 0
    assert unit.server.config["core.https_address"] == endpoint(unit.address)
