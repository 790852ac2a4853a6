# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Juju's part: hooks of several units at the same time, and hooks of leaving units until they may
go.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from steps.plan import Plan
from tests.bench.units import BenchApp

logger = logging.getLogger(__name__)

_RETRY = 5.0
"""Seconds after which Juju first tries a failed hook again."""


def together(app: BenchApp, units: Iterable[str] | None = None) -> dict[str, Plan]:
    """One hook of each unit, all at once."""
    names = list(app.units if units is None else units)
    with ThreadPoolExecutor(len(names) or 1) as pool:
        return dict(zip(names, pool.map(app.hook, names), strict=True))


def until(
    app: BenchApp,
    question: Callable[[], bool],
    seconds: float,
    units: Iterable[str] | None = None,
) -> float:
    """Runs hooks of units at once, repeatedly, until the answer is yes; returns the seconds."""
    begin = time.monotonic()
    while not question():
        if time.monotonic() - begin > seconds:
            raise AssertionError(f"not in {seconds:.0f} s: {statuses(app)}")
        together(app, units)
    return time.monotonic() - begin


def statuses(app: BenchApp) -> dict[str, str]:
    """The status of each unit now."""
    return {name: str(app.hook(name).status) for name in app.units}


def all_active(app: BenchApp) -> bool:
    """Whether each unit is active."""
    return all(text.startswith("active") for text in statuses(app).values())


@dataclass
class Departure:
    """How a unit left: the seconds, and what held it in failed hooks."""

    seconds: float
    holds: list[str] = field(default_factory=list[str])


def leave(app: BenchApp, *units: str, seconds: float = 180) -> dict[str, Departure]:
    """The operator removes units, all at once; returns when their machines are released.

    The remaining units run hooks meanwhile, as Juju tells them that others depart.
    """
    app.leaving |= set(units)
    with ThreadPoolExecutor(len(units)) as pool:
        futures = {name: pool.submit(_leave, app, name, seconds) for name in units}
        while not all(future.done() for future in futures.values()):
            time.sleep(1.0)
            for name in set(app.units) - set(units):
                app.hook(name)
        gone = {name: future.result() for name, future in futures.items()}
    for name in units:
        app.release(name)
    return gone


def _leave(app: BenchApp, name: str, seconds: float) -> Departure:
    departure = Departure(0.0)
    begin = time.monotonic()
    while (plan := app.hook(name)).hold:
        departure.holds.append(plan.hold)
        logger.info("%s is held: %s", name, plan.hold)
        departure.seconds = time.monotonic() - begin
        if departure.seconds > seconds:
            raise AssertionError(f"{name} has not left in {seconds:.0f} s: {plan.hold}")
        time.sleep(_RETRY)
    departure.seconds = time.monotonic() - begin
    return departure
