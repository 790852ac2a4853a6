# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Two members append to one log in LXD's database as fast as they can."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from lxd.api import LxdApi
from lxd.errors import LxdError, LxdUnreachable
from state.notes import entries_of
from tests.bench.figures import Figures
from tests.bench.units import BenchApp

LOG = "hammer."


@dataclass
class Hammer:
    """What one member tried, won and saw."""

    name: str
    lxd: LxdApi
    tries: int = 0
    wins: dict[int, str] = field(default_factory=dict[int, str])
    lost: dict[int, str] = field(default_factory=dict[int, str])
    seen: dict[int, set[str]] = field(default_factory=dict[int, set[str]])
    counted: dict[int, set[str]] = field(default_factory=dict[int, set[str]])
    """The same for entries that were the last ones: those that count."""
    unclear: dict[int, str] = field(default_factory=dict[int, str])
    """Entries that may be written or not: LXD answered with an error, or too late."""
    errors: Counter[str] = field(default_factory=Counter[str])

    def strike(self, turns: int) -> None:
        """Appends until the log has that many entries."""
        while (last := self._look()) < turns:
            self.tries += 1
            number, value = last + 1, f"{self.name} {self.tries}"
            try:
                won = self.lxd.notes.append(LOG, number, value)
            except (LxdError, LxdUnreachable) as error:
                self.errors[str(error)] += 1
                self.unclear[number] = value
                continue
            (self.wins if won else self.lost)[number] = value

    def may_have_written(self, number: int) -> set[str]:
        """What it may have written without a win: the log had moved on, or LXD's answer was
        unclear.
        """
        return {values[number] for values in (self.lost, self.unclear) if number in values}

    def _look(self) -> int:
        entries = entries_of(LOG, self.lxd.notes.read())
        for number, value in entries.items():
            self.seen.setdefault(number, set()).add(value)
        last = max(entries, default=0)
        if last:
            self.counted.setdefault(last, set()).add(entries[last])
        return last


def test_two_members_take_a_hundred_turns(trio: BenchApp, figures: Figures):
    _hammer(trio, 100, figures)


@pytest.mark.long
def test_two_members_take_a_thousand_turns(trio: BenchApp, figures: Figures):
    _hammer(trio, 1000, figures)


def _hammer(app: BenchApp, turns: int, figures: Figures) -> None:
    hammers = [Hammer(f"m{n}", app.units[f"lxd/{n}"].lxd) for n in (1, 2)]
    begin = time.monotonic()
    with ThreadPoolExecutor() as pool:
        for done in [pool.submit(hammer.strike, turns) for hammer in hammers]:
            done.result()
    seconds = time.monotonic() - begin
    one, other = hammers
    tried = ", ".join(f"{h.name} won {len(h.wins)} of {h.tries} tries" for h in hammers)
    unclear = dict(one.errors + other.errors)
    figures(f"{turns} turns in {seconds:.0f} s: {tried}; unclear answers: {unclear or 'none'}")
    # The lock never has two holders.
    assert not one.wins.keys() & other.wins.keys()
    for number in range(1, turns + 1):
        seen, counted = (_both(one, other, number, kind) for kind in ("seen", "counted"))
        won = one.wins.get(number) or other.wins.get(number)
        # A member that is late may write an entry again after the log has moved on: it counts for
        # nobody.
        late = one.may_have_written(number) | other.may_have_written(number)
        assert len(counted) <= 1, f"{number}: {counted}"
        assert seen <= late | {won}, f"{number}: {won}, seen {seen}"
        assert won is None or (won in seen and counted <= {won}), f"{number}: {won}, seen {seen}"
    assert min(len(h.wins) for h in hammers) > turns / 10


def _both(one: Hammer, other: Hammer, number: int, kind: str) -> set[str]:
    found: list[dict[int, set[str]]] = [getattr(hammer, kind) for hammer in (one, other)]
    return found[0].get(number, set()) | found[1].get(number, set())
