# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Makes a failing history short: removes what it does not need."""

from __future__ import annotations

from dataclasses import replace

from tests.simulation import seeds
from tests.simulation.schedule import Happening, Schedule

TRIES = 300


def shrink(schedule: Schedule, invariant: str) -> Schedule:
    """A schedule that breaks the same invariant with as few events as possible.

    It removes parts, halves first, then smaller ones, down to one (delta debugging).
    """
    left = TRIES
    happenings = list(schedule.happenings)
    size = max(1, len(happenings) // 2)
    while happenings and left > 0:
        shorter = None
        for start in range(0, len(happenings), size):
            candidate = happenings[:start] + happenings[start + size :]
            left -= 1
            if _breaks(schedule, candidate, invariant):
                shorter = candidate
                break
        if shorter is not None:
            happenings = shorter
            size = max(1, min(size, len(happenings) // 2))
        elif size == 1:
            break
        else:
            size //= 2
    return _fewer_units(replace(schedule, happenings=tuple(happenings)), invariant)


def _breaks(schedule: Schedule, happenings: list[Happening], invariant: str) -> bool:
    result = seeds.run(replace(schedule, happenings=tuple(happenings)))
    return result.invariant == invariant


def _fewer_units(schedule: Schedule, invariant: str) -> Schedule:
    for units in range(1, schedule.units):
        candidate = replace(schedule, units=units)
        if seeds.run(candidate).invariant == invariant:
            return candidate
    return schedule
