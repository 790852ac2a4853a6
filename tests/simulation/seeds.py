# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Running seeds: one in full, or many."""

from __future__ import annotations

import multiprocessing
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.simulation import charm_in_ops, charm_in_process, fast
from tests.simulation.ambush import Ambush
from tests.simulation.commands import Commands
from tests.simulation.drawing import draw
from tests.simulation.ending import Ending
from tests.simulation.engine import APP, CHARM, Engine
from tests.simulation.faults import Faults
from tests.simulation.happenings import happen
from tests.simulation.invariants import Invariants
from tests.simulation.ledger import Ledger
from tests.simulation.schedule import Schedule
from tests.simulation.site import Site
from tests.simulation.tasks import Violation

CRASHES = "the simulation crashes"


@dataclass(frozen=True)
class Result:
    """The result of a schedule. `invariant` is empty if everything was correct."""

    seed: int
    invariant: str
    violation: str
    hooks: int
    seconds: float
    """Seconds of virtual time."""
    longest: float = 0.0
    """Seconds of the longest hook."""
    last: int = 0
    """Hooks after the last fault."""
    did: Counter[str] = field(default_factory=Counter[str])
    """How often each kind of event happened."""


def run(schedule: Schedule, trace: Callable[[str], None] | None = None) -> Result:
    """Runs a schedule to its end."""
    charm_in_process.install()
    charm_in_ops.install()
    fast.reset()
    engine = Engine(schedule, trace)
    ledger = Ledger()
    invariants = Invariants(engine, ledger)
    site = Site(engine, ledger)
    faults, commands = Faults(site), Commands(site)
    begun, before = engine.now, 0
    violation: Violation | None = None
    try:
        _live(engine, faults, commands)
        before = engine.hooks
        Ending(site, commands).run()
        invariants.check()
        invariants.writes_bounded()
    except Violation as found:
        violation = found
        engine.note(f"!!! {found}", "")
    finally:
        engine.close()
    return Result(
        schedule.seed,
        violation.invariant if violation else "",
        str(violation) if violation else "",
        engine.hooks,
        engine.now - begun,
        engine.longest,
        engine.hooks - before,
        engine.did,
    )


def _live(engine: Engine, faults: Faults, commands: Commands) -> None:
    schedule, state = engine.schedule, engine.juju.state
    state.model.zones = [f"zone{number}" for number in range(schedule.zones)]
    state.model.rules = schedule.juju
    state.faults.lost_departures = schedule.lost_departures
    state.faults.late_departures = schedule.late_departures
    # On 4.0 almost no unit hears of a leaver in time.
    state.faults.early_departures = schedule.lost_departures and not schedule.late_departures
    state.faults.unheard_leavers = schedule.unheard_leavers
    config = {"storage-backend": schedule.storage_backend}
    engine.juju.deploy(engine.now, CHARM, APP, schedule.units, config=config)
    waiting = [h for h in schedule.happenings if h.on]
    Ambush(engine, waiting, lambda happening: happen(happening, faults, commands))
    for happening in schedule.happenings:
        if not happening.on:
            engine.later(happening.at, happen, happening, faults, commands)
    engine.run_until(engine.now + schedule.seconds)


def run_all(numbers: range, jobs: int) -> Iterator[Result]:
    """Runs many seeds in some processes. An error of the engine counts as a failed seed."""
    if jobs <= 1:
        yield from map(run_seed, numbers)
        return
    # Greenlets leak memory: a process gets slower with each seed.
    fork = multiprocessing.get_context("fork")
    # All processes share what is prepared before they begin.
    fast.reset()
    with folder_for_all(), fork.Pool(jobs, maxtasksperchild=50) as pool:
        yield from pool.imap_unordered(run_seed, numbers, chunksize=4)


@contextmanager
def folder_for_all() -> Generator[None]:
    """Temporary files of this process and its children are deleted with one folder.

    ops.testing removes its own when Python ends. A process of a pool does not get there.
    """
    before = tempfile.tempdir
    with tempfile.TemporaryDirectory(prefix="lxd-cluster-simulation-") as folder:
        tempfile.tempdir = folder
        try:
            yield
        finally:
            tempfile.tempdir = before


def run_seed(seed: int) -> Result:
    """Runs one seed."""
    return run_safely(draw(seed))


def run_safely(schedule: Schedule) -> Result:
    """The same as `run`; an error of the engine is a failure like others."""
    try:
        return run(schedule)
    except Exception as error:  # noqa: BLE001 - the others go on
        where = traceback.extract_tb(error.__traceback__)[-1]
        crash = f"{type(error).__name__}: {error} ({where.name} in {where.filename}:{where.lineno})"
        return Result(schedule.seed, CRASHES, crash, 0, 0.0)
