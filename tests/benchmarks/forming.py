# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""`make benchmark`: how long the charm takes to form a cluster, compared with a bare script.

Both run on the same kind of machines, in turn, several times. The output has medians and their
ratio.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Generator
from pathlib import Path
from types import FrameType

import jubilant

from lab.machines import image
from lab.machines.layers import Image
from tests.benchmarks import raw

ROOT = Path(__file__).resolve().parents[2]
JUJU = ROOT / "lab" / "juju"
CHARM = ROOT / ".cache" / "lxd-cluster_lab.charm"
APP = "lxd-cluster"
WAIT = 900.0


def main() -> None:
    """Measures and prints a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--members", type=int, nargs="+", default=[3, 8])
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    made = image.ensure_image(image.DEFAULT_CACHE, print)
    print(f"{'members':>7}  {'script (s)':>24}  {'charm (s)':>24}  ratio of medians")
    with lab_for_a_while() as juju:
        for count in arguments.members:
            scripted: list[float] = []
            charmed: list[float] = []
            for _ in range(arguments.runs):
                scripted.append(by_script(made, count))
                charmed.append(by_charm(juju, made, count))
            ratio = statistics.median(charmed) / statistics.median(scripted)
            print(f"{count:>7}  {_figures(scripted):>24}  {_figures(charmed):>24}  {ratio:.2f}")


@contextlib.contextmanager
def lab_for_a_while() -> Generator[jubilant.Juju]:
    """jubilant on the lab. At the end the lab is taken down, with its controller."""
    # If the process is terminated, it still removes the lab.
    signal.signal(signal.SIGTERM, _end)
    juju = jubilant.Juju(cli_binary=str(JUJU))
    try:
        yield juju
    finally:
        juju.cli("lab", "down", include_model=False)


def _end(_number: int, _frame: FrameType | None) -> None:
    sys.exit(1)


def _figures(seconds: list[float]) -> str:
    each = " ".join(f"{s:.1f}" for s in seconds)
    return f"{statistics.median(seconds):.1f} ({each})"


def by_script(made: Image, count: int) -> float:
    """Seconds that a bare script takes from booted machines to `count` members."""
    home = Path(tempfile.mkdtemp(prefix="lxd-cluster-benchmark-"))
    try:
        return raw.form(home, made, count)
    finally:
        shutil.rmtree(home)


def by_charm(juju: jubilant.Juju, made: Image, count: int) -> float:
    """Seconds from `juju deploy` onto booted machines until all units are active members."""
    juju.add_model("benchmark")
    try:
        juju.cli("add-machine", "-n", str(count))
        juju.wait(lambda status: _started(status, count), timeout=WAIT, delay=0.2, successes=1)
        machines = sorted(juju.status().machines, key=int)
        began = time.monotonic()
        juju.deploy(
            CHARM,
            APP,
            num_units=count,
            to=machines,
            config={"storage-backend": "btrfs"},
            resources={"lxd-snap": str(made.lxd_snap())},
        )
        juju.wait(
            lambda status: jubilant.all_active(status, APP), timeout=WAIT, delay=0.2, successes=1
        )
        return time.monotonic() - began
    finally:
        juju.destroy_model("benchmark", destroy_storage=True, force=True)


def _started(status: jubilant.Status, count: int) -> bool:
    started = [m for m in status.machines.values() if m.juju_status.current == "started"]
    return len(started) == count


if __name__ == "__main__":
    main()
