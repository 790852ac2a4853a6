# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Bridges that somebody deleted while LXD runs, in the status of their unit."""

from __future__ import annotations

import pytest

from state.cluster import ClusterView
from tests.lxd_model.generations import NAMES
from tests.unit.model_units import formed
from tests.unit.scenarios import api, server
from values.status import STATUS_LIMIT

WHY = "no bridge: snap restart --reload lxd"


@pytest.mark.parametrize("generation", NAMES)
def test_the_status_names_the_network_and_what_helps(generation: str):
    app = formed(2, generation)
    app.units["lxd/1"].machine.missing_bridges_ = frozenset({"lxdbr0", "gone"})

    status = str(app.plan("lxd/1").status)

    assert status == f"blocked: network lxdbr0 does not run here: {WHY}"
    assert str(app.plan("lxd/0").status).startswith("active")


def test_the_longest_name_leaves_room_for_what_helps():
    assert len(f"network {'b' * 15} does not run here: {WHY}") <= STATUS_LIMIT


def test_lxds_own_reason_comes_first():
    app = formed(2)
    server(app, "m1").dns_taken = True
    api(app).networks.create("br0", "bridge", {}, {"m0": {}, "m1": {}})
    app.units["lxd/1"].machine.missing_bridges_ = frozenset({"br0"})

    view = app.view("lxd/1")

    assert isinstance(view.lxd, ClusterView)
    assert "dnsmasq" in view.lxd.stopped["br0"]
