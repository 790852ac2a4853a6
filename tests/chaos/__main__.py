# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""`make chaos`: breaks real LXD in the lab in every way of the catalogue, one after another."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from types import FrameType

import jubilant

from tests.chaos.catalogue import FAULTS, named
from tests.chaos.fault import Fault, Verdict, try_fault
from tests.chaos.ground import on_the_lab
from tests.integration.conftest import ROOT

LOGS = ROOT / ".cache" / "chaos"


def main() -> int:
    """Runs the named faults, or all. Returns 1 if one did not end as expected."""
    # If the process is terminated, it still removes its machines.
    signal.signal(signal.SIGTERM, _end)
    parser = argparse.ArgumentParser("tests.chaos", description=__doc__)
    names = [fault.name for fault in FAULTS]
    parser.add_argument("names", nargs="*", metavar="FAULT", help="its name (default: all)")
    parser.add_argument("--list", action="store_true", help="print the catalogue")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(names):
        parser.error(f"no such fault: {', '.join(sorted(unknown))}; --list has them")
    chosen = [named(name) for name in arguments.names or names]
    if arguments.list:
        sys.stdout.write(_rows([(f.name, f.breaks, f.ends) for f in chosen]))
        return 0
    verdicts = _try(chosen)
    rows = [("fault", "what it is", "the end shall be", "seconds", "verdict")]
    rows += [_row(verdict) for verdict in verdicts]
    sys.stdout.write(f"\n{_rows(rows)}")
    return 0 if all(v.passed for v in verdicts) else 1


def _end(_number: int, _frame: FrameType | None) -> None:
    sys.exit(1)


def _try(faults: Sequence[Fault]) -> list[Verdict]:
    began = time.monotonic()

    def say(line: str) -> None:
        sys.stdout.write(f"{time.monotonic() - began:7.1f} s  {line}\n")
        sys.stdout.flush()

    verdicts: list[Verdict] = []
    with on_the_lab(say) as ground:
        for number, fault in enumerate(faults, 1):
            say(f"{number}/{len(faults)} {fault.name}: {fault.breaks}")
            verdict = try_fault(fault, ground)
            verdicts.append(verdict)
            say(f"{number}/{len(faults)} {fault.name}: {_said(verdict)}")
            _keep_log(ground.juju, fault)
            if not verdict.passed:
                ground.clear()
    return verdicts


def _said(verdict: Verdict) -> str:
    return f"as it shall in {verdict.seconds:.0f} s" if verdict.passed else verdict.problem


def _keep_log(juju: jubilant.Juju, fault: Fault) -> None:
    """Keeps what a person needs to find the cause."""
    LOGS.mkdir(parents=True, exist_ok=True)
    text = juju.cli("status") + juju.debug_log(limit=3000)
    (LOGS / f"{fault.name}.log").write_text(text)


def _row(verdict: Verdict) -> tuple[str, ...]:
    said = "as it shall" if verdict.passed else f"NOT: {verdict.problem}"
    fault = verdict.fault
    return (fault.name, fault.breaks, fault.ends, f"{verdict.seconds:.0f}", said)


def _rows(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
