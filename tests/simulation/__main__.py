# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Runs seeds. `python -m tests.simulation --help` shows the options."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

from tests.simulation import seeds
from tests.simulation.drawing import draw
from tests.simulation.shrink import shrink


def main() -> int:
    """Exit status 1 if a seed failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("--seeds", type=int, default=1000, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the first one")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--seed", type=int, help="replay this one, step by step")
    parser.add_argument("--whole", action="store_true", help="with --seed: do not shrink it")
    parser.add_argument("--keep", type=int, default=10, help="failing seeds after which to stop")
    asked = parser.parse_args()
    if asked.seed is not None:
        return _replay(asked.seed, whole=asked.whole)
    return _many(asked.first, asked.seeds, asked.jobs, asked.keep)


def _replay(seed: int, *, whole: bool) -> int:
    schedule = draw(seed)
    result = seeds.run(schedule)
    if result.invariant and not whole:
        before = len(schedule.happenings)
        schedule = shrink(schedule, result.invariant)
        after = len(schedule.happenings)
        print(f"Shrunk: {after} of {before} faults and commands are enough.")
    print(f"Seed {seed}: {schedule.units} units")
    for happening in schedule.happenings:
        print(f"{happening.at:9.2f} {happening}")
    print()
    result = seeds.run(schedule, print)
    print()
    print(result.violation or f"all well after {result.hooks} hooks, {result.seconds:.0f} s")
    return 1 if result.invariant else 0


def _many(first: int, count: int, jobs: int, keep: int) -> int:
    begun = shown = time.monotonic()
    done = hooks = 0
    virtual = longest = 0.0
    did: Counter[str] = Counter()
    most = 0
    failed: list[seeds.Result] = []
    for result in seeds.run_all(range(first, first + count), jobs):
        done += 1
        hooks += result.hooks
        virtual += result.seconds
        longest = max(longest, result.longest)
        most = max(most, result.last)
        did.update(result.did)
        if result.invariant:
            failed.append(result)
            print(f"seed {result.seed}: {result.violation}")
        now = time.monotonic()
        if now - shown > 10:
            shown = now
            rate = done / (now - begun)
            print(f"{done} of {count} seeds, {rate:.1f}/s, {len(failed)} failed")
            sys.stdout.flush()
        if len(failed) >= keep:
            print(f"stopped after {keep} failing seeds")
            break
    seconds = time.monotonic() - begun
    print(
        f"{done} seeds in {seconds:.0f} s ({done / seconds:.1f}/s): {hooks} hooks, "
        f"{virtual / 86400:.0f} days of virtual time, {len(failed)} failed"
    )
    print(f"Longest hook {longest:.0f} s; at most {most} hooks after the last fault.")
    for what, often in sorted(did.items()):
        print(f"  {what:45} {often:8}")
    for invariant, many in Counter(r.invariant for r in failed).most_common():
        some = ", ".join(str(r.seed) for r in failed if r.invariant == invariant)
        print(f"  {many} x {invariant}: {some}")
    if failed:
        print(f"Replay one: python -m tests.simulation --seed {failed[0].seed}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
