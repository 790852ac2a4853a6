# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""LXD 5.21 and later call a dead member evacuated once `cluster.healing_threshold` has passed."""

from __future__ import annotations

import pytest

from lxd.api import LxdApi
from tests.bench.containers import all_run, launch
from tests.bench.drive import all_active, until
from tests.bench.operator import request
from tests.bench.units import BenchApp

_HEALED = 180.0
"""Seconds until LXD has healed: it looks once a minute."""
_REMOVED = 240.0
"""Seconds until the charm has removed the member, which must be silent for a while."""


@pytest.mark.long
def test_a_dead_member_that_lxd_has_healed_is_removed_and_another_joins(trio: BenchApp):
    keeper = trio.units["lxd/0"]
    if "cluster_healing" not in keeper.lxd.server.get().extensions:
        pytest.skip("this LXD does not heal")
    thresholds = {"cluster.offline_threshold": "12", "cluster.healing_threshold": "13"}
    request(keeper, "PATCH", "/1.0", {"config": thresholds})
    launch(trio, "c1", "m1")
    trio.bench.remove(trio.units["lxd/2"].node)
    others = ("lxd/0", "lxd/1")
    until(trio, lambda: _status(keeper.lxd, "m2") == "EVACUATED", _HEALED, others)

    trio.remove("lxd/2")
    until(trio, lambda: _status(keeper.lxd, "m2") == "", _REMOVED)
    trio.add(3)

    until(trio, lambda: all_active(trio), 120)
    assert all_run(trio, "c1") == {"c1": "m1"}
    assert {m.name for m in keeper.lxd.members.list()} == {"m0", "m1", "m3"}


def _status(lxd: LxdApi, name: str) -> str:
    """LXD's status of a member, empty if there is none of this name."""
    return next((m.status for m in lxd.members.list() if m.name == name), "")
