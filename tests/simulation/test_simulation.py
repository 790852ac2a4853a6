# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Many seeds are clean, one is the same every time, and mistakes of the charm are noticed."""

from __future__ import annotations

import os
from dataclasses import replace

import ops
import pytest

import charm
from hooks.input_reader import PEERS
from lab.model.rules import VERSIONS
from tests.simulation import ambush, fast, mutants, seeds
from tests.simulation.commands import Commands
from tests.simulation.drawing import draw
from tests.simulation.faults import Faults
from tests.simulation.hands import Hands
from tests.simulation.mutant import Mutant
from tests.simulation.schedule import (
    COMMANDS,
    DYING,
    EXCHANGE_STEPS,
    FAULTS,
    HANDS,
    HANDS_STEPS,
    LEAVING,
    NETWORK_STEPS,
    NETWORKS,
    SHARED,
    SHARED_STEPS,
    STEPS,
    STORAGE,
    STORAGE_STEPS,
    Happening,
)
from tests.simulation.shrink import shrink

pytestmark = pytest.mark.simulation

SEEDS = int(os.environ.get("SEEDS", "1000"))
SURE = (
    *("bootstrap without the record", "a silent member is wiped", "tokens are not sealed"),
    *(mutant.name for mutant in mutants.MUTANTS if mutant.story),
)
"""Mutants that a few seeds, or a history, show."""


def test_each_event_of_a_schedule_can_happen():
    commands = {*COMMANDS, *STORAGE, *NETWORKS, *DYING, *LEAVING} - FAULTS.keys()
    kinds = {Commands: commands, Faults: {*FAULTS}, Hands: {*HANDS, *SHARED}}
    names = [(actor, kind.replace("-", "_")) for actor, of in kinds.items() for kind in of]

    assert [name for actor, name in names if not hasattr(actor, name)] == []


def test_each_step_that_events_wait_for_is_a_step_of_the_charm():
    tables = (STEPS, STORAGE_STEPS, NETWORK_STEPS, SHARED_STEPS, EXCHANGE_STEPS, HANDS_STEPS)
    names = {name for table in tables for name in table}

    assert names - ambush.STEPS == set()


def test_an_event_that_waits_for_no_step_of_the_charm_is_an_error():
    never = Happening(at=0.0, kind="reboot", on="Evacuate")

    with pytest.raises(ValueError, match="Evacuate"):
        seeds.run(replace(draw(7), happenings=(never,)))


def test_seeds_are_clean():
    failed = [r for r in seeds.run_all(range(SEEDS), jobs=2) if r.invariant]

    assert not failed, "\n".join(f"seed {r.seed}: {r.violation}" for r in failed)


def test_a_seed_is_the_same_every_time():
    histories: list[list[str]] = [[], []]
    for history in histories:
        seeds.run(draw(7), history.append)

    assert histories[0]
    assert histories[0] == histories[1]


def test_a_databag_that_did_not_change_is_not_parsed_again():
    fast.loaded.clear()

    seeds.run(draw(7))

    assert fast.loaded


def test_seeds_are_by_the_rules_of_each_juju():
    assert {draw(seed).juju for seed in range(20)} == set(VERSIONS)


@pytest.mark.parametrize("seed", [1, 2, 700016])
def test_the_stand_in_of_ops_makes_the_same_history(seed: int):
    histories: list[list[str]] = [[], []]
    for through_ops, history in zip((False, True), histories, strict=True):
        seeds.run(replace(draw(seed), through_ops=through_ops), history.append)

    assert histories[0] == histories[1]


class Ready(ops.EventBase):
    """An event of a library's own."""


class LibraryEvents(ops.ObjectEvents):
    """The library's events."""

    ready = ops.EventSource(Ready)


class Library(ops.Object):
    """A library in the charm, as many are made: it hears hooks, and makes events of its own."""

    on = LibraryEvents()  # pyright: ignore[reportAssignmentType]
    readied = 0

    def __init__(self, parent: ops.CharmBase) -> None:
        super().__init__(parent, "library")
        self.framework.observe(parent.on[PEERS].relation_changed, self._changed)
        self.framework.observe(self.on.ready, self._ready)

    def _changed(self, event: ops.RelationChangedEvent) -> None:
        del event
        assert self.model.unit.name
        self.on.ready.emit()

    def _ready(self, event: Ready) -> None:
        assert isinstance(event, Ready)
        type(self).readied += 1


@pytest.mark.parametrize("through_ops", [False, True])
def test_the_charm_may_have_a_library(monkeypatch: pytest.MonkeyPatch, through_ops: bool):
    begin = charm.LxdClusterCharm.__init__

    def begin_with_library(self: charm.LxdClusterCharm, framework: ops.Framework) -> None:
        begin(self, framework)
        self.library = Library(self)  # pyright: ignore[reportAttributeAccessIssue]

    monkeypatch.setattr(charm.LxdClusterCharm, "__init__", begin_with_library)
    monkeypatch.setattr(Library, "readied", 0)

    result = seeds.run(replace(draw(7), through_ops=through_ops))

    assert not result.violation
    assert Library.readied


@pytest.mark.parametrize("name", SURE)
def test_a_mistake_of_the_charm_is_noticed(name: str):
    mutant = next(m for m in mutants.MUTANTS if m.name == name)

    assert mutants.hunt(mutant, range(200), enough=1).times == 1


@pytest.mark.parametrize("mutant", mutants.MUTANTS, ids=lambda mutant: mutant.name)
def test_each_mistake_is_made_in_a_function_that_is_there(mutant: Mutant):
    sealing = mutant.function == "token_sealing"
    assert callable(getattr(mutant.module, mutant.function, None)) or sealing


def test_a_mutant_of_nothing_is_an_error():
    mutant = replace(mutants.MUTANTS[0], function="no_such_function")

    with pytest.raises(AttributeError):
        mutants.hunt(mutant, range(1), enough=1)


def test_a_history_that_fails_is_shrunk():
    mutant = next(m for m in mutants.MUTANTS if m.name == "tokens are not sealed")
    with mutant.at_work():
        whole = next(s for s in map(draw, range(50)) if len(s.happenings) > 5 and _fails(s))
        short = shrink(whole, seeds.run(whole).invariant)

    assert len(short.happenings) < len(whole.happenings)


def _fails(schedule: object) -> bool:
    return bool(seeds.run(schedule).invariant)  # pyright: ignore[reportArgumentType]
