# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""One machine's clock is wrong: LXD calls members offline that are not (LXD issues 7216, 7321)."""

from __future__ import annotations

import pytest

from state.cluster import ClusterView
from tests.lxd_model.generations import NAMES
from tests.unit.findings import statuses
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import later, names, server, the_cluster, without

AHEAD = 125.0
pytestmark = pytest.mark.parametrize("generation", NAMES)


def with_clock_ahead(app: ModelApp, *units: str) -> ModelApp:
    """The clocks of these units' machines are not the Raft leader's."""
    for unit in units:
        app.units[unit].server.ahead = AHEAD
    app.settle()
    return app


def raft_leader(app: ModelApp, member: str) -> ModelApp:
    """That member is the database's Raft leader."""
    the_cluster(app).leader = member
    return app


def test_its_status_names_the_clock(generation: str):
    app = with_clock_ahead(formed(3, generation), "lxd/2")
    status = statuses(app)["lxd/2"]

    assert status.startswith("blocked: the clock here is ahead")
    assert status.endswith(" of m0's: see timedatectl on both")
    assert statuses(app)["lxd/0"].startswith("active")


def test_the_application_s_status_names_the_unit(generation: str):
    app = with_clock_ahead(formed(3, generation), "lxd/2")

    status = str(app.plan("lxd/0").app_status)

    assert status.startswith("blocked: lxd/2: the clock here is ahead")


def test_a_raft_leader_that_is_behind_is_not_reloaded(generation: str):
    app = with_clock_ahead(raft_leader(formed(3, generation), "m0"), "lxd/1", "lxd/2")

    for unit in ("lxd/1", "lxd/2"):
        assert "ahead of m0's: see timedatectl on both" in statuses(app)[unit]
    assert "reload" not in app.units["lxd/0"].snap.calls


def test_a_member_that_lives_is_not_removed_as_a_dead_one(generation: str):
    """Juju has removed its unit by force, and its machine runs on."""
    app = raft_leader(formed(4, generation), "m0")
    app.leader = "lxd/1"
    with_clock_ahead(app, "lxd/1")
    app.remove("lxd/3")

    for _ in range(10):
        later(app, 120.0)
        app.hook("lxd/1")

    assert "m3" in names(app)


def test_a_dead_member_is_still_offline(generation: str):
    app = without(with_clock_ahead(formed(4, generation), "lxd/2"), "m3")
    app.leader = "lxd/2"

    lxd = app.view("lxd/2").lxd

    assert isinstance(lxd, ClusterView)
    assert {m.name for m in lxd.members if m.offline} == {"m2", "m3"}


def test_when_the_clock_is_right_again_nothing_is_left(generation: str):
    app = with_clock_ahead(formed(3, generation), "lxd/2")
    server(app, "m2").ahead = 0.0
    app.settle()

    assert statuses(app)["lxd/2"].startswith("active")
    assert str(app.plan("lxd/0").app_status) == "active: 3 members, 3 voters"
