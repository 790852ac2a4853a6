# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Networks that are not made on all members, and units that want to join meanwhile."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.lxd_model.generations import NAMES
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import cluster_api, names, the_cluster


def with_half_made_network(app: ModelApp, status: str) -> ModelApp:
    """The creation of the default network did not succeed on all members."""
    # Nothing can use a network before it is made.
    profiles = cluster_api(app).profiles
    profiles.set_default({**profiles.default(), "devices": {}})
    networks = the_cluster(app).networks
    networks["lxdbr0"] = replace(networks["lxdbr0"], status=status)
    return app


@pytest.mark.parametrize("generation", NAMES)
@pytest.mark.parametrize("status", ["Pending", "Errored"])
def test_a_network_that_was_half_made_is_made_again(status: str, generation: str):
    app = with_half_made_network(formed(3, generation), status)

    app.settle()

    assert the_cluster(app).networks["lxdbr0"].status == "Created"


@pytest.mark.parametrize("generation", NAMES)
def test_no_unit_is_admitted_while_a_network_is_errored(generation: str):
    """A joining LXD leaves the network out, and LXD then refuses the join for that reason."""
    app = with_half_made_network(formed(2, generation), "Errored")
    app.add(2)
    for name in ("lxd/2", "lxd/1"):
        app.hook(name)
    assert app.own("lxd/1").token is None

    app.settle()

    assert app.own("lxd/2").cluster
    assert app.own("lxd/2").attempt == 0


@pytest.mark.parametrize("generation", NAMES)
def test_a_network_is_made_between_a_join_that_it_broke_and_the_next(generation: str):
    app = formed(2, generation)
    for number in (2, 3):
        app.add(number)
        app.hook(f"lxd/{number}")
    app.hook("lxd/1")
    with_half_made_network(app, "Errored")
    app.hook("lxd/2")
    assert app.own("lxd/2").attempt == 1

    # The coordinator makes nothing while somebody has the turn.
    app.hook("lxd/1")
    app.settle()

    assert len(names(app)) == 4
    assert {app.own(unit).attempt for unit in ("lxd/2", "lxd/3")} == {0, 1}


def test_units_wait_until_the_operator_has_deleted_an_errored_network():
    app = formed(2)
    networks = the_cluster(app).networks
    networks["lan"] = replace(networks["lxdbr0"], name="lan", status="Errored")
    app.add(2)
    app.settle()
    assert "network lan is errored: finish it, or lxc network delete lan" in str(
        app.plan("lxd/0").status
    )
    assert len(names(app)) == 2

    cluster_api(app).networks.delete("lan")
    app.settle()

    assert len(names(app)) == 3
