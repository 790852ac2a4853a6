# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Questions of tests to the lab's command line, and to units of the charm `probe`."""

from __future__ import annotations

import contextlib
import subprocess
import threading
from collections.abc import Generator
from pathlib import Path

import jubilant

from lab.controller.controller import Controller
from lab.testing.waiting import eventually
from plain_hosts import PlainProvider

LAB_JUJU = Path(__file__).parents[1] / "juju"


@contextlib.contextmanager
def serving(controller: Controller) -> Generator[None]:
    """Let a controller serve until the end of the block."""
    thread = threading.Thread(target=controller.serve)
    thread.start()
    try:
        yield
    finally:
        controller.stopped.set()
        thread.join()


def wait_active(juju: jubilant.Juju, units: int) -> jubilant.Status:
    """Wait until the probe has that many units, all active and idle."""

    def ready(status: jubilant.Status) -> bool:
        app = status.apps.get("probe")
        return (
            app is not None
            and len(app.units) == units
            and jubilant.all_active(status)
            and jubilant.all_agents_idle(status)
        )

    return juju.wait(ready, delay=0.1, successes=2)


def hooks(provider: PlainProvider, unit: int) -> list[str]:
    """The hooks that have run in a probe's unit, by its own notes."""
    folder = provider.host(unit).root / f"var/lib/juju/agents/unit-probe-{unit}/charm"
    return [line.strip() for line in (folder / "hooks").read_text().splitlines()]


def wait_in_config_changed(juju: jubilant.Juju, provider: PlainProvider, *units: int) -> None:
    """Let the probes' hook config-changed hang, in these units, until it is killed.

    When it runs again, it does not hang.
    """
    juju.config("probe", {"wait-in": "config-changed"})
    eventually(lambda: all(hooks(provider, unit)[-1] == "config-changed" for unit in units))
    juju.config("probe", reset="wait-in")


def command(*words: str) -> subprocess.CompletedProcess[str]:
    """Run lab/juju."""
    return subprocess.run([LAB_JUJU, *words], capture_output=True, text=True, check=False)
