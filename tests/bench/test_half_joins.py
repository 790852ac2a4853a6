# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A daemon dies during its join, and the unit still joins."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from lab.bench.bench import Bench
from tests.bench.drive import all_active, together, until
from tests.bench.units import BenchApp, BenchUnit, formed

# Seconds after the join began. Measured: a join takes 0.7 s to 2.6 s.
DELAYS = (0.1, 0.3, 0.6, 1.0)


@pytest.mark.long
def test_a_daemon_that_is_killed_while_it_joins_joins_again(trio: BenchApp):
    attempts: list[int] = []
    for number, delay in enumerate(DELAYS, start=3):
        unit = trio.add(number)
        with ThreadPoolExecutor() as pool:
            killed = pool.submit(_kill_in_join, unit, delay)
            while not killed.done():
                together(trio)
            certificate = killed.result()
        until(trio, lambda: all_active(trio), 180)
        assert _certificate(unit) == certificate
        attempts.append(trio.own(unit.name).attempt)
    members = trio.units["lxd/0"].lxd.members.list()
    assert [m.name for m in members] == [f"m{number}" for number in range(3 + len(DELAYS))]
    assert any(attempts), "no join was interrupted"


def _kill_in_join(unit: BenchUnit, delay: float) -> bytes:
    """Returns the certificate that the server had."""
    end = time.monotonic() + 60
    while (forming := unit.ports.machine.forming()) is None or forming.what != "join":
        assert time.monotonic() < end, f"{unit.name} does not join"
        time.sleep(0.01)
    time.sleep(delay)
    unit.node.kill_daemon()
    # As systemd does.
    time.sleep(0.2)
    unit.node.start_daemon()
    return _certificate(unit)


def _certificate(unit: BenchUnit) -> bytes:
    return (unit.node.lxd_dir / "server.crt").read_bytes()


@pytest.mark.long
def test_a_reset_that_is_cut_short_is_taken_up_again(
    ground: Bench, monkeypatch: pytest.MonkeyPatch
):
    app = formed(ground, 1)
    unit = app.add(1)
    with ThreadPoolExecutor() as pool, monkeypatch.context() as broken:
        # The hook is killed before it starts the daemon again.
        broken.setattr(unit.ports.snap, "start", _killed)
        killed = pool.submit(_kill_in_join, unit, 0.1)
        with pytest.raises(KeyboardInterrupt):
            until(app, lambda: False, 60)
        killed.result()
    unit.node.kill_daemon()
    until(app, lambda: all_active(app), 120)
    assert len(app.units["lxd/0"].lxd.members.list()) == 2


def _killed() -> None:
    raise KeyboardInterrupt
