# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Changes of a formed cluster are interrupted at each of their steps once, and continued.

In the end LXD and the machines are as if nothing had happened. The other operations are in
`test_cut_short`, and for an exchange of LXD, leaving and recovering in the `test_cut_short_...` of
`tests.unit.plan`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from act import step as act_step
from act.step import act
from actions.forget_lost import forget_lost
from actions.remove_pool import remove_pool
from ports.ports import Ports
from records import loss_record
from state.view import RESET, RunHistory
from steps import addresses, forming, install, networks, storage
from steps import leaving as steps_leaving
from steps import server as steps_server
from steps.forming import AwaitJoin
from steps.install import StartAgain
from steps.leaving import AwaitEvacuation, AwaitLeave, AwaitRoles, NoteUnmoved, StartInstance
from steps.plan import Step
from tests.unit.cutting import Cutter, cut, cuts
from tests.unit.findings import notes
from tests.unit.model_units import ModelApp
from tests.unit.operations import exchanges
from tests.unit.operations import forming as forming_operations
from tests.unit.operations import leaving as leaving_operations
from tests.unit.operations.changes import CHANGES, Begun, ended, ending, off_a_dead_member, small
from tests.unit.scenarios import (
    api,
    changed,
    later,
    the_cluster,
)


@pytest.mark.parametrize("begin", CHANGES)
def test_a_change_that_was_cut_ends_like_one_that_was_not(begin: Callable[[], Begun]):
    app, unit = begin()
    cut(app, unit, Cutter())
    whole = ended(app)
    tried = list(cuts(begin))
    assert tried
    for cutter in tried:
        app, unit = begin()
        cut(app, unit, cutter)
        assert ended(app) == whole, cutter


def test_a_pool_whose_removal_was_cut_is_removed_by_the_next_try():
    def begin() -> Begun:
        app = changed(small(storage_pools="fast: dir"), storage_pools="")
        return app, "lxd/0"

    def remove(app: ModelApp, unit: str) -> object:
        return remove_pool(app.view(unit), app.units[unit].ports, "fast")

    app, unit = begin()
    remove(app, unit)
    whole = ended(app)
    for cutter in cuts(begin, remove):
        app, unit = begin()
        cut(app, unit, cutter, lambda unit, app=app: remove(app, unit))
        ended(app)
        if "fast" in the_cluster(app).pools:
            remove(app, unit)
        assert ended(app) == whole, cutter
        assert not [name for name in notes(app) if name.startswith("deleting.")], cutter


def test_a_loss_that_was_half_forgotten_is_forgotten_by_the_next_try():
    def begin() -> Begun:
        app, unit = off_a_dead_member()
        app.settle()
        return app, unit

    def forget(app: ModelApp, unit: str) -> object:
        return forget_lost(app.view(unit), app.units[unit].ports, "m3")

    for cutter in cuts(begin, forget):
        app, unit = begin()
        cut(app, unit, cutter, lambda unit, app=app: forget(app, unit))
        if loss_record.read(notes(app)):
            forget(app, unit)
        assert loss_record.read(notes(app)) == {}, cutter
        # What was in the Ceph is still to be started, or to be acknowledged.
        forget(app, unit)
        assert str(app.plan(unit).app_status) == "active: 3 members, 3 voters"


def test_a_cluster_whose_end_was_cut_ends_with_the_next_hook():
    """LXD is as freshly installed in the end. A note that stays means one more reset."""
    tried = list(cuts(ending))
    assert len(tried) > 6
    for cutter in tried:
        app, unit = ending()
        cut(app, unit, cutter)
        later(app, 60.0)
        held = [app.hook(unit).hold for _ in range(3)]
        assert held[-1] == "", f"{cutter}: {held}"
        assert not api(app).server.get().clustered, cutter
        forming = app.units[unit].machine.forming()
        assert forming is None or forming.what == RESET, cutter


WAITING: frozenset[type[Any]] = frozenset({AwaitEvacuation, AwaitJoin, AwaitLeave, AwaitRoles})
"""Steps that change nothing."""
ELSEWHERE: frozenset[type[Any]] = frozenset({StartAgain, StartInstance, NoteUnmoved})
"""Steps after an interruption, in their own tests: those of a recovery, and of a leaving unit."""


def kinds() -> set[type[Any]]:
    """All kinds of steps."""
    files = (addresses, forming, install, steps_leaving, networks, steps_server, storage)
    return {
        kind
        for file in files
        for kind in vars(file).values()
        if isinstance(kind, type) and kind.__module__ == file.__name__
    }


def test_no_step_is_left_out(monkeypatch: pytest.MonkeyPatch):
    """Every kind of step is in an operation that is interrupted in one of these tests."""
    done: set[type[Any]] = set()

    def noted(step: Step, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
        done.add(type(step))
        return act(step, unit, ports, history)

    interrupted: list[Callable[[], Begun]] = [
        *(*CHANGES, *forming_operations.ACTS, ending),
        *(partial(begin, generation) for begin, generation in leaving_operations.ACTS),
        partial(exchanges.exchanging, exchanges.NEXT),
    ]
    for begin in interrupted:
        app, unit = begin()
        with monkeypatch.context() as now:
            now.setattr(act_step, "act", noted)
            app.hook(unit)

    assert kinds() - done == WAITING | ELSEWHERE
