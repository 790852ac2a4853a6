# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The bench itself: nodes are separate, and nothing of them outlives the process that made them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from lab.bench import slots
from lab.bench.bench import Bench
from lab.machines import cgroups, processes
from lab.machines.programs import MachineError

OWNER = """
import sys, time
from pathlib import Path
from lab.bench.bench import bench
from lab.machines import image

system = image.ensure_image(image.DEFAULT_CACHE, lambda line: None)
with bench(system, [system.lxd]) as made:
    node = made.add(0)
    node.start_daemon()
    node.await_lxd()
    print(made.slot, flush=True)
    time.sleep(600)
"""


def test_a_deed_inside_a_node_sees_the_node(ground: Bench):
    node = ground.add(0, "m0")
    here = socket.gethostname()
    assert node.inside(socket.gethostname) == "m0"
    assert socket.gethostname() == here
    seen = node.inside(lambda: {path.name for path in Path("/sys/class/net").iterdir()})
    assert {"lo", "eth0"} <= seen
    assert slots.bridge(ground.slot) not in seen


def test_what_a_deed_raises_comes_out(ground: Bench):
    node = ground.add(0)
    with pytest.raises(FileNotFoundError):
        node.inside(lambda: Path("/nowhere").read_text())
    with pytest.raises(MachineError, match="died"):
        node.inside(lambda: os.kill(os.getpid(), signal.SIGKILL))


def test_a_frozen_daemon_answers_nothing_until_it_goes_on(ground: Bench):
    node = ground.add(0)
    node.start_daemon()
    node.await_lxd()
    node.signal_daemon(signal.SIGSTOP)
    with pytest.raises(subprocess.TimeoutExpired):
        node.run([f"{node.lxd}/bin/lxc", "info"], timeout=2)
    node.signal_daemon(signal.SIGCONT)
    node.await_lxd()
    node.stop_daemon()
    assert not node.daemon_runs()


def test_a_daemon_that_crashes_is_started_again_and_one_that_is_killed_is_not(ground: Bench):
    node = ground.add(0)
    node.start_daemon()
    node.await_lxd()
    node.crash_daemon()
    node.await_lxd()
    node.kill_daemon()
    assert not node.daemon_runs()
    node.start_daemon()
    node.kill_daemon()
    assert not node.daemon_runs()


def test_nothing_outlives_an_owner_that_is_killed():
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
    )
    assert owner.stdout is not None
    with owner, owner.stdout:
        slot = int(owner.stdout.readline())
        group = slots.name(slot, "m0")
        alive = cgroups.members(group)
        assert alive
        owner.kill()
        owner.wait()
    assert processes.wait_gone(alive, 10) == []
    assert slot in slots.clean()
    assert not slots.home(slot).exists()
    assert not (Path("/sys/class/net") / slots.bridge(slot)).exists()
    assert not (Path("/sys/class/net") / group).exists()
    assert all(not (cgroups.ROOT / h / group).exists() for h in cgroups.hierarchies())
