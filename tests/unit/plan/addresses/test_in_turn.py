# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Members move their API to another address one after the other, and stay reachable."""

from __future__ import annotations

import pytest

from tests.lxd_model.generations import NAMES
from tests.lxd_model.listeners import CORE
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import note, notes, the_cluster
from values.addresses import endpoint
from values.status import Kind


def bound_elsewhere(generation: str) -> ModelApp:
    """The operator has bound the API of three members to another space."""
    app = formed(3, generation)
    for number, unit in enumerate(app.units.values()):
        unit.https = f"192.168.7.{number + 1}"
        unit.server.addresses = {*unit.server.addresses, unit.https}
    return app


def reached(app: ModelApp) -> list[str]:
    """The members with an open cluster listener."""
    rows = the_cluster(app).rows.values()
    listens = [r for r in rows if app.cloud.servers[r.server].listeners.listens(r.address)]
    return sorted(row.name for row in listens)


@pytest.mark.parametrize("generation", NAMES)
def test_after_each_hook_all_members_are_reached(generation: str):
    app = bound_elsewhere(generation)

    for moved, name in enumerate(app.units, 1):
        app.hook(name)

        assert reached(app) == ["m0", "m1", "m2"]
        apis = [unit.server.config[CORE] for unit in app.units.values()]
        assert [api.startswith("192.168.7.") for api in apis].count(True) == moved
    app.settle()
    turns = {name: entry for name, entry in notes(app).items() if name.startswith("address.")}
    assert turns[max(turns)] == "-"
    assert {p.status.kind for p in map(app.plan, app.units)} == {Kind.ACTIVE}


@pytest.mark.parametrize("generation", NAMES)
def test_one_waits_while_another_is_at_it(generation: str):
    app = note(bound_elsewhere(generation), "address.1", "m1")
    before = app.units["lxd/0"].server.config[CORE]

    planned = app.hook("lxd/0")

    assert "another member has been changing its address for a long time" in planned.hold
    assert app.units["lxd/0"].server.config[CORE] == before
    assert notes(app)["address.1"] == "m1"


@pytest.mark.parametrize("generation", NAMES)
def test_the_join_lock_of_a_unit_that_is_not_a_member_any_more_is_over(generation: str):
    app = note(bound_elsewhere(generation), "address.1", "m7")

    app.hook("lxd/0")

    assert app.units["lxd/0"].server.config[CORE] == "192.168.7.1:8443"


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
    assert unit.server.config[CORE] == endpoint(unit.address)
