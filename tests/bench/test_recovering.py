"""A majority of the voters is gone for good; a join fails and is tried again."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest

import actions
import deadlines
import peers
from actions import ActionRefused
from lab.bench.bench import Bench
from lab.machines import cgroups, processes
from tests.bench.containers import launch
from tests.bench.drive import all_active, together, until
from tests.bench.units import BenchApp, BenchUnit, formed
from view import Units

FOLLOWS = 120.0
"""Seconds in which the other survivors are members of the recovered cluster again."""


def recover(app: BenchApp, unit: str) -> str:
    """The action on a unit, and what it publishes."""
    view = replace(app.view(unit), units=Units(frozenset(app.units)))
    try:
        return actions.recover_quorum(view, app.units[unit].world, "", actions.CONFIRMATION)
    except actions.OthersAsked as asked:
        own = app.own(unit).model_copy(update={"lost": asked.lost})
        app.databags[unit] = peers.dump(own)
        raise


def roles(app: BenchApp) -> tuple[list[str], list[str]]:
    """The units whose members vote, and the others."""
    members = app.units["lxd/0"].lxd.members.list()
    vote = {m.address for m in members if m.voter}
    voters = [name for name, unit in app.units.items() if unit.address in vote]
    return voters, [name for name in app.units if name not in voters]


def test_the_newest_of_the_survivors_recovers_and_its_containers_run_on(
    ground: Bench, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(deadlines, "SILENCE", 1.0)
    app = formed(ground, 5)
    until(app, lambda: len(roles(app)[0]) == 3, 60)
    voters, stand_bys = roles(app)
    survivor = app.units[voters[0]]
    launch(app, "c0", survivor.node.place.hostname)
    before = _containers(survivor)
    for name in voters[1:]:
        app.release(name)
    until(app, lambda: "quorum" in str(app.hook(voters[0]).status), 120)
    app.leader = voters[0]

    with pytest.raises(ActionRefused, match="has not said yet"):
        recover(app, voters[0])
    together(app)
    refusals = _refusals(app, stand_bys)
    assert all("run it on" in told or "has not said yet" in told for told in refusals), refusals
    recover(app, voters[0])

    until(app, lambda: all_active(app), FOLLOWS)
    members = {m.name for m in survivor.lxd.members.list()}
    assert members == {unit.node.place.hostname for unit in app.units.values()}
    assert _containers(survivor) == before


def _refusals(app: BenchApp, units: list[str]) -> list[str]:
    found: list[str] = []
    for name in units:
        with pytest.raises(ActionRefused) as refused:
            recover(app, name)
        found.append(str(refused.value))
    return found


def _containers(unit: BenchUnit) -> set[processes.Process]:
    """The first processes of its containers, and of its node."""
    name = unit.node.place.name
    return {p for p in cgroups.members(name) if processes.is_first_of_namespace(p)}


def test_joins_that_failed_are_tried_again(ground: Bench, monkeypatch: pytest.MonkeyPatch):
    """LXD has the joiner's certificate then, and from 5.21 on takes no other of its name."""
    app = formed(ground, 2)
    until(app, lambda: all_active(app), 60)
    unit = app.add(2)
    monkeypatch.setattr(deadlines, "JOIN", 10.0)
    failed = 0
    for _ in range(12):
        with _cut_in_the_join(unit):
            app.hook("lxd/2")
        for name in app.units:
            app.hook(name)
        failures = unit.world.machine.failures()
        failed = max(failed, failures.count if failures else 0)
        if failed >= 3:
            break
    assert failed >= 3, app.plan("lxd/2").status
    assert "run retry-join" in str(app.plan("lxd/2").status)
    monkeypatch.undo()

    actions.retry_join(app.view("lxd/2"), unit.world)

    until(app, lambda: all_active(app), 180)
    assert len(app.units["lxd/0"].lxd.members.list()) == 3


class _cut_in_the_join:  # noqa: N801 - it reads as what it does
    """Kills the daemon of a joiner as soon as it joins, while it is entered."""

    def __init__(self, unit: BenchUnit) -> None:
        self._unit = unit
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        machine = self._unit.world.machine
        while not self._over.is_set():
            forming = machine.forming()
            if forming is not None and forming.what == "join":
                time.sleep(0.6)
                self._unit.node.kill_daemon()
                return
            time.sleep(0.02)
