# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Three units become one cluster, more join, containers run."""

from __future__ import annotations

import pytest

from lab.bench.bench import Bench
from tests.bench.containers import all_run, launch
from tests.bench.drive import all_active, leave, until
from tests.bench.units import BenchApp, formed


def test_three_form_and_one_leaves_with_its_container(trio: BenchApp):
    assert all_active(trio)
    assert len({trio.own(unit).cluster for unit in trio.units}) == 1
    for number in range(3):
        launch(trio, f"c{number}", f"m{number}")
    departures = leave(trio, "lxd/2")
    assert departures["lxd/2"].holds == []
    where = all_run(trio, "c0", "c1", "c2")
    assert where["c2"] in {"m0", "m1"}
    assert all_active(trio)


@pytest.mark.long
def test_a_fourth_joins(trio: BenchApp):
    launch(trio, "c0", "m0")
    trio.add(3)
    until(trio, lambda: all_active(trio), 120)
    members = trio.units["lxd/3"].lxd.members.list()
    assert [m.name for m in members] == ["m0", "m1", "m2", "m3"]
    launch(trio, "c3", "m3")
    assert all_run(trio, "c0", "c3") == {"c0": "m0", "c3": "m3"}


@pytest.mark.long
def test_six_form_with_their_hooks_at_the_same_time(ground: Bench):
    app = formed(ground, 0)
    for number in range(6):
        app.add(number)
    until(app, lambda: all_active(app), 240)
    members = app.units["lxd/5"].lxd.members.list()
    assert [m.name for m in members] == [f"m{number}" for number in range(6)]
    assert len({app.own(unit).cluster for unit in app.units}) == 1
