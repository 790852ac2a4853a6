# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The charm stops LXD's daemon alone, on a machine with systemd and snapd."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.machines import host
from lab.machines.image import DEFAULT_CACHE, ensure_image
from lab.machines.nspawn_machine import Machine
from lab.testing.on_a_machine import (
    boot,
    container_pid,
    daemon_pid,
    install_lxd,
    is_gone,
    launch_container,
    shell,
    start_snap,
)

pytestmark = pytest.mark.machines

# A high number: a demo may run on this computer with the low ones.
NUMBER = 19
SOURCES = Path(__file__).parents[2] / "src"
NEEDED = ("host/lxd_daemon.py", "deadlines.py")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    home = tmp_path_factory.mktemp("lab")
    yield home
    host.clean(home, print)


@pytest.fixture(scope="module")
def machine(home: Path) -> Machine:
    """A machine with LXD, a container in it, and the charm's module."""
    machine = Machine(home, NUMBER, ensure_image(DEFAULT_CACHE, print))
    boot(machine)
    install_lxd(machine)
    (machine.shared_dir / "host").mkdir()
    for name in NEEDED:
        shutil.copy(SOURCES / name, machine.shared_dir / name)
    shell(machine, "lxd.lxc storage create local dir", 120)
    launch_container(machine, "one", "--storage local")
    return machine


@pytest.fixture
def init(machine: Machine) -> str:
    """The process id of the container's init; the container runs."""
    pid = container_pid(machine, "one")
    assert pid
    return pid


def end(machine: Machine, how: str) -> str:
    """Stops the daemon as the charm does; the process that it was."""
    before = daemon_pid(machine)
    shell(
        machine, f"cd /run/lab && python3 -c 'from host import lxd_daemon; lxd_daemon.{how}()'", 120
    )
    assert is_gone(machine, before)
    state = shell(machine, "systemctl is-active snap.lxd.daemon.service || true")
    assert state in ("inactive", "failed")
    return before


def test_it_stops_alone_and_containers_go_on(machine: Machine, init: str):
    before = end(machine, "stop")
    assert not is_gone(machine, init)

    start_snap(machine)

    assert daemon_pid(machine) != before
    assert container_pid(machine, "one") == init


@pytest.mark.usefixtures("init")
def test_one_that_hangs_is_killed(machine: Machine):
    shell(machine, "kill -STOP $(cat /var/snap/lxd/common/lxd.pid)")

    end(machine, "kill")

    start_snap(machine)
