# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Fuzzes for some time. `python -m tests.fuzz --help` shows the options."""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from collections import Counter

from tests.fuzz import kinds

BATCH = 20
"""Cases of one kind before the next kind runs."""


def main() -> int:
    """Exit status 1 if a case failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of all cases")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--kind", choices=sorted(kinds.KINDS), help="this one alone")
    parser.add_argument("--case", type=int, help="with --kind: this case alone, with its traceback")
    asked = parser.parse_args()
    if asked.case is not None:
        error = kinds.run(asked.kind, asked.seed, asked.case)
        if error is not None:
            traceback.print_exception(error)
        return 1 if error is not None else 0
    return _many(asked.seed, asked.minutes * 60, [asked.kind] if asked.kind else list(kinds.KINDS))


def _many(seed: int, seconds: float, chosen: list[str]) -> int:
    end = time.monotonic() + seconds
    done: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    seen: set[str] = set()
    while time.monotonic() < end:
        for kind in chosen:
            for number in range(done[kind], done[kind] + BATCH):
                error = kinds.run(kind, seed, number)
                if error is not None:
                    failed[kind] += 1
                    _tell(kind, seed, number, error, seen)
            done[kind] += BATCH
    for kind in chosen:
        print(f"{kind:12} {done[kind]:8} cases, {failed[kind]:6} failed; seed {seed}")
    return 1 if failed else 0


def _tell(kind: str, seed: int, number: int, error: BaseException, seen: set[str]) -> None:
    """Prints each place once: the last frames of the charm's own code."""
    frames = traceback.extract_tb(error.__traceback__)
    where = [
        f"{f.filename.rpartition('/src/')[2]}:{f.lineno}" for f in frames if "/src/" in f.filename
    ]
    place = f"{kind} {type(error).__name__} {' '.join(where[-1:])}"
    if place not in seen:
        seen.add(place)
        print(
            f"{place} --kind {kind} --seed {seed} --case {number}: {str(error)[:150]!r}", flush=True
        )


if __name__ == "__main__":
    sys.exit(main())
