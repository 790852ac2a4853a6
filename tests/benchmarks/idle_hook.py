# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""`make benchmark`: the cost of a hook with nothing to do on a settled cluster of three.

It prints CPU seconds of the charm's own process and of its hook tools, the number of these tools
and the bytes that they print, and the requests to LXD. The lab's hook tools are Python, Juju's are
not: compare the first figure.
"""

from __future__ import annotations

import json
import statistics
from pathlib import Path

import jubilant

from lab.machines import image
from tests.benchmarks.forming import APP, CHARM, WAIT, lab_for_a_while

RUNS = 9
PROBE = Path(__file__).with_name("probe.py")


def main() -> None:
    """Measures and prints a table."""
    made = image.ensure_image(image.DEFAULT_CACHE, print)
    with lab_for_a_while() as juju:
        juju.add_model("idle")
        juju.deploy(CHARM, APP, num_units=3, resources={"lxd-snap": str(made.lxd_snap())})
        juju.wait(
            lambda s: jubilant.all_active(s, APP) and jubilant.all_agents_idle(s, APP),
            timeout=WAIT,
        )
        print(
            f"{'unit':15} {'charm CPU (s)':>14} {'tools CPU (s)':>14} {'tools':>6} {'bytes':>6} "
            f"{'LXD':>4}"
        )
        for unit in sorted(juju.status().apps[APP].units):
            _measure(juju, unit)


def _measure(juju: jubilant.Juju, unit: str) -> None:
    juju.scp(str(PROBE), f"{unit}:/var/tmp/probe.py")
    folder = f"/var/lib/juju/agents/unit-{unit.replace('/', '-')}/charm"
    command = (
        f"cd {folder} && PYTHONPATH=src:lib JUJU_DISPATCH_PATH=hooks/update-status "
        "venv/bin/python /var/tmp/probe.py"
    )
    lines = [juju.exec(command, unit=unit).stdout.splitlines()[-1] for _ in range(RUNS)]
    rows = [json.loads(line) for line in lines]
    own, tools = (statistics.median(row[key] for row in rows) for key in ("charm", "tools"))
    counted = rows[-1]
    print(
        f"{unit:15} {own:14.3f} {tools:14.3f} {counted['calls']:6} {counted['bytes']:6} "
        f"{counted['requests']:4}"
    )


if __name__ == "__main__":
    main()
