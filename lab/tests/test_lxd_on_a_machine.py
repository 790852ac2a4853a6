# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""LXD as a snap on a real machine: the effect of stops, reloads and refreshes on a running
container.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

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
NUMBER = 20
SERVICE = "snap.lxd.daemon.service"


@pytest.fixture(scope="module")
def machine(home: Path) -> Machine:
    """A machine with LXD and a container in it."""
    machine = Machine(home, NUMBER, ensure_image(DEFAULT_CACHE, print))
    boot(machine)
    install_lxd(machine)
    shell(
        machine,
        """
        lxd.lxc storage create local btrfs size=1GiB
        lxd.lxc network create lxdbr0 ipv4.address=10.98.1.1/24 ipv4.nat=true ipv6.address=none
        """,
        120,
    )
    launch_container(machine, "one", "--storage local --network lxdbr0 -c limits.memory=64MiB")
    return machine


@pytest.fixture
def init(machine: Machine) -> str:
    """The process id of the container's init; the container runs."""
    assert shell(machine, "lxd.lxc exec one -- cat /proc/1/comm") == "init"
    return container_pid(machine, "one")


def test_lxd_runs_containers_on_a_btrfs_pool(init: str):
    assert init


def test_the_version_is_the_lab_s(machine: Machine):
    assert machine.image.lxd_version in shell(machine, "snap list lxd")


def test_a_stop_shuts_containers_down_and_a_start_starts_them(machine: Machine, init: str):
    shell(machine, "snap stop lxd", 120)
    assert is_gone(machine, init)
    start_snap(machine)
    wait_running(machine)


def test_a_restart_shuts_containers_down(machine: Machine, init: str):
    shell(machine, "snap restart lxd; lxd waitready --timeout 60", 120)
    assert is_gone(machine, init)
    wait_running(machine)


@pytest.mark.parametrize("how", ["snap restart --reload lxd", f"systemctl reload {SERVICE}"])
def test_a_reload_starts_the_daemon_again_and_containers_go_on(
    machine: Machine, init: str, how: str
):
    before = daemon_pid(machine)
    shell(machine, how)
    wait_other_daemon(machine, before)
    assert container_pid(machine, "one") == init


def test_a_killed_daemon_starts_again_and_containers_go_on(machine: Machine, init: str):
    before = daemon_pid(machine)
    shell(machine, f"kill -KILL {before}")
    wait_other_daemon(machine, before)
    assert container_pid(machine, "one") == init


def test_a_daemon_outlives_what_systemd_kills_until_the_next_one_starts(
    machine: Machine, init: str
):
    before = daemon_pid(machine)
    shell(machine, f"systemctl kill --signal=KILL {SERVICE}")
    wait_other_daemon(machine, before)
    assert is_gone(machine, before)
    assert container_pid(machine, "one") == init


def test_another_revision_starts_and_containers_go_on(machine: Machine, init: str):
    revision = shell(machine, "readlink /snap/lxd/current")
    before = daemon_pid(machine)
    install_lxd(machine, f"{machine.image.lxd_version}-other")
    assert shell(machine, "readlink /snap/lxd/current") != revision
    assert daemon_pid(machine) != before
    assert container_pid(machine, "one") == init


def test_a_revert_shuts_containers_down(machine: Machine, init: str):
    shell(machine, "snap revert lxd; lxd waitready --timeout 60", 120)
    assert is_gone(machine, init)
    wait_running(machine)


def test_a_daemon_that_was_shut_down_stays_away(machine: Machine, init: str):
    shell(machine, "lxd shutdown --timeout 60", 120)
    assert is_gone(machine, init)
    end = time.monotonic() + 30
    while (state := shell(machine, f"systemctl is-active {SERVICE} || true")) != "inactive":
        assert time.monotonic() < end, state
        time.sleep(0.1)
    start_snap(machine)
    wait_running(machine)


def wait_other_daemon(machine: Machine, before: str) -> None:
    end = time.monotonic() + 30
    while daemon_pid(machine) == before:
        assert time.monotonic() < end, "the daemon does not start again"
        time.sleep(0.1)
    shell(machine, "lxd waitready --timeout 60")


def wait_running(machine: Machine) -> None:
    end = time.monotonic() + 60
    while not container_pid(machine, "one"):
        assert time.monotonic() < end, "the container does not start"
        time.sleep(0.2)
