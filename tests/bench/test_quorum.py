# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A majority of the voters is gone for a while."""

from __future__ import annotations

import time

import pytest

from deadlines import UNRESPONSIVE
from tests.bench.drive import all_active, leave, until
from tests.bench.units import BenchApp

# A hook on a member without a quorum: each of its reads has a deadline of some seconds.
HOOK = 60.0


@pytest.mark.long
def test_two_of_three_are_gone_and_come_back(trio: BenchApp):
    for unit in ("lxd/1", "lxd/2"):
        trio.units[unit].node.kill_daemon()
    assert "run recover-quorum" not in _status(trio)
    until(trio, lambda: "quorum" in _status(trio), UNRESPONSIVE + HOOK, ("lxd/0",))
    for unit in ("lxd/1", "lxd/2"):
        trio.units[unit].node.start_daemon()
    until(trio, lambda: all_active(trio), 120)


@pytest.mark.long
def test_one_starts_without_the_others_and_they_come_back(trio: BenchApp):
    for unit in trio.units.values():
        unit.node.kill_daemon()
    trio.units["lxd/0"].node.start_daemon()
    assert _status(trio).startswith(("waiting", "blocked"))
    for unit in trio.units.values():
        unit.node.start_daemon()
    until(trio, lambda: all_active(trio), 120)


@pytest.mark.long
def test_nobody_leaves_without_a_quorum(trio: BenchApp):
    for unit in ("lxd/1", "lxd/2"):
        trio.units[unit].node.kill_daemon()
    trio.leaving.add("lxd/0")
    assert trio.hook("lxd/0").hold
    for unit in ("lxd/1", "lxd/2"):
        trio.units[unit].node.start_daemon()
    trio.leaving.discard("lxd/0")
    until(trio, lambda: all_active(trio), 120)
    leave(trio, "lxd/0")


def _status(app: BenchApp) -> str:
    begin = time.monotonic()
    status = app.hook("lxd/0").status
    assert time.monotonic() - begin < HOOK
    return str(status)
