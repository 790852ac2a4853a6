# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Runs the histories on the model and on real machines, and compares the answers."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.conformance.answers import Transcript, differences
from tests.conformance.histories import HISTORIES, History
from tests.conformance.real_side import RealSide
from tests.conformance.running import on_model, on_real
from tests.lxd_model.generations import NAMES


def main() -> int:
    """0 when both sides gave the same answers, 1 when not."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    parser.add_argument("names", nargs="*", help="histories, all when none is named")
    parser.add_argument(
        "--model", choices=NAMES, help="ask the model of this generation of LXD alone"
    )
    parser.add_argument("--verbose", action="store_true", help="show every answer")
    arguments = parser.parse_args()
    chosen = {name: HISTORIES[name] for name in arguments.names or HISTORIES}
    if arguments.model:
        for name, history in chosen.items():
            say(name)
            show(on_model(history, arguments.model))
        return 0
    failed = compare(chosen, show if arguments.verbose else lambda _: None)
    say(f"{len(chosen) - len(failed)} of {len(chosen)} histories are the same on both sides")
    return 1 if failed else 0


def compare(chosen: dict[str, History], watch: Callable[[Transcript], None]) -> list[str]:
    """Runs each on both sides; the names of those that differ. `watch` gets the real answers."""
    failed: list[str] = []
    with tempfile.TemporaryDirectory(prefix="lxd-conformance-") as home:
        real = RealSide.boot(Path(home))
        try:
            for name, history in chosen.items():
                began = time.monotonic()
                transcript = on_real(real, history)
                found = differences(on_model(history, real.generation), transcript)
                verdict = "differs" if found else "same"
                say(f"{name}: {verdict}, {time.monotonic() - began:.0f} s")
                watch(transcript)
                for line in found:
                    say(f"    model: {line}")
                failed += [name] if found else []
        finally:
            real.close()
    return failed


def say(line: str) -> None:
    """Prints a line at once."""
    print(line, flush=True)


def show(transcript: Transcript) -> None:
    """Prints every question and answer, with its seconds."""
    for line in transcript.lines:
        say(f"  {line.seconds:6.1f} s  {line.question}: {line.answer}  {line.detail}")


if __name__ == "__main__":
    sys.exit(main())
