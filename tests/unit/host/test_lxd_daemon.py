# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""LXD's daemon ends alone: its instances keep running, and it does not come back."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import deadlines
from host import lxd_daemon
from tests.unit.programs import Programs

SERVICE = "snap.lxd.daemon.unix.socket snap.lxd.daemon.service"


class Running:
    """A process with the name of LXD's, and the snap's folder that names it."""

    def __init__(self, folder: Path, *command: str) -> None:
        program = folder / "lxd"
        shutil.copy(command[0], program)
        self.common = folder / "common"
        self.common.mkdir()
        self.process = subprocess.Popen([program, *command[1:]])
        name = Path(f"/proc/{self.process.pid}/comm")
        while name.read_text().strip() != "lxd":
            time.sleep(0.01)
        (self.common / "lxd.pid").write_text(f"{self.process.pid}\n")

    @property
    def ended_by(self) -> int:
        """The signal that ended it."""
        return -self.process.wait(5)

    @property
    def state(self) -> str:
        """The input of the snap's scripts."""
        return (self.common / "state").read_text().strip()


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    programs = Programs(tmp_path)
    monkeypatch.setattr(lxd_daemon, "_SYSTEMCTL", programs.add("systemctl"))
    monkeypatch.setattr(lxd_daemon, "_UNITS", tmp_path)
    (tmp_path / "snap.lxd.daemon.unix.socket").touch()
    return programs


@pytest.fixture
def lxd(tmp_path: Path) -> Iterator[Running]:
    running = Running(tmp_path, "/bin/sleep", "60")
    yield running
    running.process.kill()
    running.process.wait()


@pytest.fixture
def deaf(tmp_path: Path) -> Iterator[Running]:
    ready = tmp_path / "ready"
    script = f"trap '' TERM; touch {ready}; while :; do sleep 0.1; done"
    running = Running(tmp_path, "/bin/sh", "-c", script)
    while not ready.exists():
        time.sleep(0.01)
    yield running
    running.process.kill()
    running.process.wait()


def test_it_is_asked_to_end_and_the_snap_leaves_instances_alone(programs: Programs, lxd: Running):
    lxd_daemon.stop(lxd.common)

    assert lxd.ended_by == signal.SIGTERM
    # With this word the snap's scripts do not shut instances down (lxd-pkg-snap, daemon.stop).
    assert lxd.state == "reload"
    assert programs.called == [
        f"systemctl stop --no-block {SERVICE}",
        f"systemctl stop {SERVICE}",
    ]


@pytest.mark.usefixtures("programs")
def test_one_that_does_not_end_is_killed(deaf: Running, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(deadlines, "DAEMON_STOP", 0.5)

    lxd_daemon.stop(deaf.common)

    assert deaf.ended_by == signal.SIGKILL


@pytest.mark.usefixtures("programs")
def test_one_that_hangs_is_killed_and_the_snap_cleans_up(lxd: Running):
    lxd_daemon.kill(lxd.common)

    assert lxd.ended_by == signal.SIGKILL
    assert lxd.state == "host-shutdown"


@pytest.mark.usefixtures("programs")
def test_another_program_of_that_number_is_left_alone(tmp_path: Path):
    other = subprocess.Popen(["/bin/sleep", "60"])
    (tmp_path / "lxd.pid").write_text(str(other.pid))

    lxd_daemon.stop(tmp_path)

    assert other.poll() is None
    other.kill()
    other.wait()


def test_without_a_daemon_its_service_is_stopped_all_the_same(programs: Programs, tmp_path: Path):
    lxd_daemon.stop(tmp_path)

    assert programs.called[-1] == f"systemctl stop {SERVICE}"


def test_a_snap_without_a_socket_has_none_to_stop(programs: Programs, tmp_path: Path):
    (tmp_path / "snap.lxd.daemon.unix.socket").unlink()

    lxd_daemon.stop(tmp_path)

    assert programs.called[-1] == "systemctl stop snap.lxd.daemon.service"
