# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Removed units whose LXD does not answer, and what the statuses tell to do about it."""

from __future__ import annotations

import pytest

from tests.lxd_model.generations import NAMES
from tests.lxd_model.records import Role
from tests.unit.findings import statuses
from tests.unit.model_units import ModelApp, formed
from tests.unit.recoveries import dead, given_up
from tests.unit.scenarios import fail, later, leaving, server, the_cluster, with_instance


def passes(app: ModelApp, rounds: int = 8) -> ModelApp:
    """Hooks of all units, some minutes apart."""
    for _ in range(rounds):
        for unit in tuple(app.units):
            app.hook(unit)
        later(app, 120.0)
    return app


@pytest.mark.parametrize("generation", NAMES)
def test_the_application_says_what_holds_a_silent_unit(generation: str):
    app = formed(4, generation)
    app.units["lxd/3"].server.freeze()
    later(app, 60.0)
    leaving(app, "lxd/3")

    passes(app)

    assert app.hook("lxd/3").hold
    status = "blocked: lxd/3 cannot leave: LXD on m3 does not answer"
    assert statuses(app)["app"] == status


@pytest.mark.parametrize("generation", NAMES)
def test_the_application_says_where_the_reason_is_if_only_the_unit_knows_it(generation: str):
    """Nothing is on its member any more, and LXD does not remove it."""
    app = formed(3, generation)
    fail(app, "lxd/2", "DELETE /1.0/cluster/members/NAME")
    leaving(app, "lxd/2")

    passes(app, 2)

    assert app.hook("lxd/2").hold
    status = "waiting: for lxd/2 to leave; if in error: juju show-status-log lxd/2"
    assert str(app.plan("lxd/0").app_status) == status


@pytest.mark.parametrize("generation", NAMES)
def test_while_its_instances_move_the_application_waits(generation: str):
    app = with_instance(formed(3, generation), "m2")
    leaving(app, "lxd/2")

    assert str(app.plan("lxd/0").app_status) == "waiting: for lxd/2 to leave"


@pytest.mark.parametrize("generation", NAMES)
def test_a_unit_without_a_copy_of_the_database_may_be_removed(generation: str):
    """Its status says so. All that had a copy are dead."""
    app = formed(7, generation)
    spares = [f"lxd/{r.name[1:]}" for r in the_cluster(app).members if r.role is Role.SPARE]
    gone = [unit for unit in app.units if unit not in spares]
    app.leader = spares[0]
    given_up(dead(app, gone), gone)
    passes(app)
    assert str(app.plan(spares[0]).status).endswith("or remove this unit")
    app.options = {"on_remove": "abandon"}

    leaving(app, spares[0])
    passes(app)

    assert not app.hook(spares[0]).hold


@pytest.mark.parametrize("generation", NAMES)
def test_a_cluster_of_an_earlier_deployment_needs_another_recovery(generation: str):
    """`recover-quorum` and `take-back` are refused for it."""
    app = with_instance(formed(3, generation), "m0")
    for name in ("m1", "m2"):
        server(app, name).power_off()
    later(app, 60.0)
    unit = app.units["lxd/0"]
    unit.name = "lxd/5"
    app.units, app.databags, app.app_data = {"lxd/5": unit}, {"lxd/5": {}}, {}
    app.leader = "lxd/5"

    passes(app)

    status = "blocked: LXD here is in a cluster without a quorum; docs: How to recover"
    assert str(app.plan("lxd/5").status) == status
