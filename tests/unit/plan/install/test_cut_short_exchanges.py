# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""An exchange of LXD that is interrupted at any of its steps continues correctly.

Another series of LXD changes the database for good. So each new try also needs the earlier copy of
it, and the wait for members that could not follow.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from steps.install import InstallSnapFile
from tests.unit.cutting import Cutter, cut, cuts
from tests.unit.model_units import ModelApp, formed
from tests.unit.operations.exchanges import NEXT, SAME, attached, exchanging, last
from tests.unit.scenarios import api, later, leaving, locations, names, the_cluster, without


@pytest.mark.parametrize("version", [SAME, NEXT])
@pytest.mark.parametrize("act", [exchanging, last])
def test_all_members_have_the_new_one_in_the_end(
    act: Callable[[str], tuple[ModelApp, str]], version: str
):
    begin = partial(act, version)
    tried = list(cuts(begin))
    assert tried
    for cutter in tried:
        app, unit = begin()
        cut(app, unit, cutter)
        later(app, 60.0)
        for _ in range(3):
            for name in app.units:
                app.hook(name)
            later(app, 60.0)
        app.settle()

        states = {u: str(app.plan(u).status) for u in app.units}
        assert all(state.startswith("active") for state in states.values()), f"{cutter}: {states}"
        assert {u.server.version for u in app.units.values()} == {version}, cutter
        assert not any(u.snap.facts_.unfinished for u in app.units.values()), cutter
        assert (names(app), locations(app)) == (["m0", "m1", "m2"], {"c1": "m1"}), cutter
        assert all(i.running for i in the_cluster(app).instances.values()), cutter
        assert app.cloud.stopped == [], cutter
        before = app.units[unit].server.database.backups
        assert bool(before) == (version == NEXT), cutter


def test_a_try_that_snapd_refused_does_not_permit_to_go_on_alone():
    """A member went down since: it could not follow the others to another series."""
    app, unit = exchanging(SAME)
    cut(app, unit, Cutter(3, busy=True))
    assert app.units[unit].snap.facts_.unfinished
    attached(NEXT, app)
    without(app, "m2")

    plan = app.plan(unit)

    assert not any(isinstance(step, InstallSnapFile) for step in plan.steps)
    assert str(plan.status) == "waiting: to exchange the LXD snap until m2 is back"


def test_what_another_series_changes_is_copied_also_where_an_earlier_try_was_cut():
    app, unit = exchanging(SAME)
    cut(app, unit, Cutter(3))
    assert app.units[unit].snap.facts_.unfinished
    attached(NEXT, app)

    app.hook(unit)

    assert app.units[unit].server.database.backups


def test_late_heartbeats_of_the_member_before_do_not_make_a_unit_miss_its_turn():
    """No later event would say that they are back."""
    app, unit = exchanging("5.21.7")
    before = next(row for row in the_cluster(app).members if row.name == "m0")
    before.heartbeat = app.cloud.now - 40.0

    app.hook(unit)

    assert "to exchange the LXD snap" not in str(app.plan(unit).status)


@pytest.mark.parametrize("generation", ["5.0", "5.21"])
def test_after_a_forced_removal_the_api_answers_until_its_member_is_gone(generation: str):
    """All members waited for its LXD, for good."""
    app = formed(3, generation)
    app.remove("lxd/2")
    app.settle()

    attached(NEXT, app).settle()

    status = "waiting: to exchange LXD: m2 has no unit: empty it, then lxc cluster remove it"
    assert {str(app.plan(unit).status) for unit in app.units} == {status}
    api(app).members.remove("m2")
    app.settle()
    assert {unit.server.version for unit in app.units.values()} == {NEXT}
    assert names(app) == ["m0", "m1"]


@pytest.mark.parametrize("generation", ["5.0", "5.21"])
def test_a_unit_whose_hooks_have_not_begun_to_leave_has_a_unit(generation: str):
    app = leaving(formed(3, generation), "lxd/2")
    app.hook("lxd/0")

    attached(NEXT, app)

    status = "waiting: to exchange the LXD snap until m2 has left"
    assert {str(app.hook(unit).status) for unit in ("lxd/0", "lxd/1")} == {status}
