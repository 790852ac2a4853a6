# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""`make demo`: the charm turns three machines into one LXD cluster, and shows each step.

A second run continues from what exists.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import jubilant

from lab.machines import image

ROOT = Path(__file__).resolve().parent.parent
JUJU = ROOT / "lab" / "juju"
CHARM = ROOT / ".cache" / "lxd-cluster_lab.charm"
APP = "lxd-cluster"
UNITS = 3
FORMING = 600.0
"""Seconds after which the demo stops waiting for the cluster."""
CONTAINER = "busybox"


class Clock:
    """Prints lines with the seconds since the demo began."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def say(self, line: str) -> None:
        """Prints `line` with the time."""
        print(f"{time.monotonic() - self._began:6.1f} s  {line}", flush=True)


def main() -> int:
    """Runs the demo. Returns the exit status."""
    if os.geteuid() != 0:
        print("The demo boots machines: run it as root.", file=sys.stderr)
        return 1
    clock = Clock()
    juju = jubilant.Juju(cli_binary=str(JUJU))
    made = image.ensure_image(image.DEFAULT_CACHE, clock.say)
    if APP not in juju.status().apps:
        clock.say(f"juju deploy {CHARM.name} -n {UNITS} --config storage-backend=btrfs")
        juju.deploy(
            CHARM,
            APP,
            num_units=UNITS,
            config={"storage-backend": "btrfs"},
            resources={"lxd-snap": str(made.lxd_snap())},
        )
    if not await_cluster(juju, clock):
        print(juju.cli("status"))
        print("The cluster is not whole. lab/juju debug-log says more; make demo-down ends it.")
        return 1
    clock.say("the cluster is whole: launching a container on each member")
    launch_containers(juju, made.container)
    clock.say("done")
    show(juju)
    return 0


def await_cluster(juju: jubilant.Juju, clock: Clock) -> bool:
    """Shows every change of a unit's status until all are active. False if that does not happen."""
    shown: dict[str, str] = {}
    end = time.monotonic() + FORMING
    while time.monotonic() < end:
        status = juju.status()
        for name, line in _lines(status):
            if shown.get(name) != line:
                shown[name] = line
                clock.say(f"{name:15} {line}")
        if jubilant.all_active(status, APP) and jubilant.all_agents_idle(status, APP):
            return True
        if jubilant.any_error(status, APP):
            return False
        time.sleep(0.5)
    return False


def _lines(status: jubilant.Status) -> Iterator[tuple[str, str]]:
    app = status.apps[APP]
    yield APP, f"{app.app_status.current:12} {app.app_status.message}"
    for name, unit in sorted(app.units.items()):
        yield name, f"{unit.workload_status.current:12} {unit.workload_status.message}"


def launch_containers(juju: jubilant.Juju, container: Path) -> None:
    """Starts one container on each member, unless it runs already."""
    unit = f"{APP}/leader"
    images = juju.ssh(unit, "lxc image list --format csv --columns l")
    if CONTAINER not in images.split():
        juju.scp(str(container), f"{unit}:/var/tmp/{container.name}")
        juju.ssh(unit, f"lxc image import /var/tmp/{container.name} --alias {CONTAINER}")
    members = juju.ssh(unit, "lxc cluster list --format csv").splitlines()
    names = sorted(line.split(",")[0] for line in members if ",https://" in line)
    there = juju.ssh(unit, "lxc list --format csv --columns n").split()
    for number, member in enumerate(names, 1):
        if f"c{number}" not in there:
            juju.ssh(unit, f"lxc launch -q {CONTAINER} c{number} --target {member}")


def show(juju: jubilant.Juju) -> None:
    """Shows what an operator looks at, and the next commands to type."""
    lab = JUJU.relative_to(ROOT)
    for command in (["status"], ["ssh", f"{APP}/leader", "--", "lxc cluster list"]):
        print(f"\n$ {lab} {' '.join(command)}\n{juju.cli(*command).rstrip()}")
    _await_addresses(juju)
    print(
        f"\n$ {lab} ssh {APP}/leader -- lxc list\n{juju.ssh(f'{APP}/leader', 'lxc list').rstrip()}"
    )
    print(
        f"""
What to type next:
  {lab} add-unit {APP} -n 2            two more members
  {lab} config {APP} images-replicas=-1
  {lab} run {APP}/leader cluster-status
  {lab} ssh {APP}/0                    a shell on a machine; lxc is there
  {lab} debug-log --limit 50           what the hooks did
  make demo-down                            everything away again"""
    )


def _await_addresses(juju: jubilant.Juju) -> None:
    """Wait for the containers' addresses. The demo works without them, too."""
    for _ in range(20):
        columns = juju.ssh(f"{APP}/leader", "lxc list --format csv --columns 4").splitlines()
        if all("." in address for address in columns):
            return
        time.sleep(0.5)


if __name__ == "__main__":
    sys.exit(main())
