"""Questions of tests to the lab's command line, and to units of the charm `probe`."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable

import jubilant

from tests.lab.conftest import LAB_JUJU
from tests.lab.plain_hosts import PlainProvider


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


def eventually(check: Callable[[], bool], timeout: float = 15.0) -> None:
    """Wait until a check is true."""
    deadline = time.monotonic() + timeout
    while not check():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)


def hooks(provider: PlainProvider, unit: int) -> list[str]:
    """The hooks that have run in a probe's unit, by its own notes."""
    folder = provider.host(unit).root / f"var/lib/juju/agents/unit-probe-{unit}/charm"
    return [line.strip() for line in (folder / "hooks").read_text().splitlines()]


def command(*words: str) -> subprocess.CompletedProcess[str]:
    """Run lab/juju."""
    return subprocess.run([LAB_JUJU, *words], capture_output=True, text=True, check=False)
