# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The LXD snap that the lab packs: its content, and the effect of its commands on a daemon."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from lab.machines import lxd_folder, snaps
from lab.machines.layers import Image
from lab.machines.programs import MachineError

# Notes the signal that ends it.
DAEMON = """#!/bin/sh
trap 'echo PWR >"$LXD_DIR/ended"; exit' PWR
trap 'echo TERM >"$LXD_DIR/ended"; exit' TERM
: >"$LXD_DIR/ready"
while :; do sleep 0.02; done
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An LXD with more programs than the two, and a library with a link to it."""
    folder = tmp_path / "folder"
    for part in ("bin", "lib", "share"):
        (folder / part).mkdir(parents=True)
        (folder / part / "README").touch()
    for name in ("lxd", "lxc", "lxd-agent"):
        (folder / "bin" / name).write_text(DAEMON)
        (folder / "bin" / name).chmod(0o755)
    (folder / "lib/libdqlite.so.0.0.1").write_text("one")
    (folder / "lib/libdqlite.so.0").symlink_to("libdqlite.so.0.0.1")
    return folder


def test_the_snap_has_the_programs_and_the_libraries(folder: Path, tmp_path: Path):
    snap = tmp_path / "snap"
    snaps.lay_out_lxd(folder, snap, "5.21.7")
    assert os.access(snap / "bin/lxd-agent", os.X_OK)
    assert (snap / "lib/libdqlite.so.0").readlink() == Path("libdqlite.so.0.0.1")
    assert {path.name for path in snap.iterdir()} == {"bin", "commands", "lib", "meta"}
    assert not (snap / "lib/README").exists()
    assert yaml.safe_load((snap / "meta/snap.yaml").read_text())["version"] == "5.21.7"


@pytest.mark.skipif(shutil.which("mksquashfs") is None, reason="no mksquashfs here")
def test_machines_that_boot_together_may_pack_the_same_snap(folder: Path, tmp_path: Path):
    target = tmp_path / "snaps/lxd_5.21.7.snap"
    with ThreadPoolExecutor() as pool:
        packing = [pool.submit(snaps.pack_lxd, folder, "5.21.7", target) for _ in range(6)]
    for packed in packing:
        packed.result()

    assert [path.name for path in target.parent.iterdir()] == [target.name]


def test_liblxc_is_the_machine_s(folder: Path, tmp_path: Path):
    (folder / "lib/liblxc.so.1").write_text("paths of another system")
    snaps.lay_out_lxd(folder, tmp_path / "snap", "5.21.7")
    names = {path.name for path in (tmp_path / "snap/lib").iterdir()}
    assert names == {"libdqlite.so.0", "libdqlite.so.0.0.1"}


@pytest.mark.parametrize(
    ("file", "content"),
    [("bin/lxd", "other"), ("lib/libdqlite.so.0", "other"), ("lib/libnew.so", "")],
)
def test_two_lxds_have_snaps_side_by_side(folder: Path, tmp_path: Path, file: str, content: str):
    before = Image(tmp_path, folder).lxd_snap_file("6.9")
    again = Image(tmp_path, folder).lxd_snap_file("6.9")
    (folder / file).write_text(content)
    after = Image(tmp_path, folder).lxd_snap_file("6.9")
    assert before == again != after


def test_a_folder_that_is_not_an_lxd_is_refused_with_what_it_lacks(folder: Path):
    (folder / "bin/lxc").unlink()
    with pytest.raises(MachineError, match=f"^{folder}: .* bin/lxc is missing"):
        Image(folder, folder).lxd_snap("5.21.7")


def test_the_environment_names_the_lxd(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(lxd_folder.VARIABLE, raising=False)
    assert lxd_folder.chosen() is None
    monkeypatch.setenv(lxd_folder.VARIABLE, str(folder))
    assert lxd_folder.chosen() == folder


class Service:
    """The snap's commands, run as systemd runs them."""

    def __init__(self, snap: Path, common: Path) -> None:
        common.mkdir()
        self._snap = snap
        self._common = common
        self._env = {"SNAP": str(snap), "SNAP_COMMON": str(common), "PATH": "/usr/bin:/bin"}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns once the daemon can take a signal."""
        ready = self._common / "lxd/ready"
        ready.unlink(missing_ok=True)
        argv = [str(self._snap / "commands/daemon.start")]
        self._process = subprocess.Popen(argv, env=self._env, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 10
        while not (ready.exists() and self._pid_file.exists()):
            assert time.monotonic() < end, "the daemon does not start"
            time.sleep(0.01)

    def run(self, command: str) -> None:
        argv = [str(self._snap / "commands" / command)]
        subprocess.run(argv, env=self._env, timeout=10, check=True)

    def status(self) -> int:
        """The exit status of daemon.start: systemd starts it again unless that is 0."""
        assert self._process is not None
        return self._process.wait(10)

    def snapd_is_busy_with(self, change: str) -> None:
        asked = self._snap / "commands/snap-change"
        asked.write_text(f"#!/bin/sh\necho {change}\n")

    def stays_in_the_control_groups_of_the_tests(self) -> None:
        (self._snap / "commands/leave-service").write_text("#!/bin/sh\n")

    @property
    def pid(self) -> int:
        return int(self._pid_file.read_text())

    @property
    def ended_by(self) -> str:
        """The signal that ended the daemon, "" while it runs."""
        note = self._common / "lxd/ended"
        return note.read_text().strip() if note.exists() else ""

    @property
    def _pid_file(self) -> Path:
        return self._common / "lxd.pid"

    def close(self) -> None:
        if self._process and self._process.poll() is None:
            os.kill(self.pid, signal.SIGKILL)
            self._process.wait(10)


@pytest.fixture
def service(folder: Path, tmp_path: Path) -> Iterator[Service]:
    """A running daemon, while snapd is idle."""
    snap = tmp_path / "lxd/x1"
    snaps.lay_out_lxd(folder, snap, "5.21.7")
    snap.with_name("current").symlink_to("x1")
    service = Service(snap, tmp_path / "common")
    service.stays_in_the_control_groups_of_the_tests()
    service.snapd_is_busy_with("")
    service.start()
    yield service
    service.close()


@pytest.mark.parametrize("change", ["", "service-control", "remove-snap", "revert-snap"])
def test_a_stop_shuts_the_instances_down(service: Service, change: str):
    service.snapd_is_busy_with(change)
    service.run("daemon.stop")
    assert (service.status(), service.ended_by) == (0, "PWR")


@pytest.mark.parametrize("change", ["auto-refresh", "refresh-snap", "install-snap"])
def test_a_refresh_lets_the_instances_run(service: Service, change: str):
    service.snapd_is_busy_with(change)
    service.run("daemon.stop")
    assert (service.status(), service.ended_by) == (0, "TERM")


def test_a_reload_lets_the_instances_run_and_starts_the_daemon_again(service: Service):
    service.run("daemon.reload")
    assert service.status() == 1
    assert service.ended_by == "TERM"
    # systemd runs it after the end of the daemon, for any reason.
    service.run("daemon.stop")


def test_a_stop_after_a_reload_shuts_the_instances_down(service: Service):
    service.run("daemon.reload")
    service.status()
    service.start()
    service.run("daemon.stop")
    assert service.ended_by == "PWR"


@pytest.mark.parametrize(
    ("end", "status"), [(signal.SIGKILL, 1), (signal.SIGTERM, 0)], ids=["killed", "ended"]
)
def test_a_daemon_that_was_killed_starts_again_and_one_that_ended_does_not(
    service: Service, end: signal.Signals, status: int
):
    os.kill(service.pid, end)
    assert service.status() == status
    service.run("daemon.stop")


Environment = Callable[[], dict[str, str]]


@pytest.fixture
def environment(folder: Path, tmp_path: Path) -> Environment:
    """Asks for the environment of the snap's programs."""

    def asked() -> dict[str, str]:
        snap = tmp_path / "lxd/x1"
        snaps.lay_out_lxd(folder, snap, "5.21.7")
        argv = ["/bin/sh", "-ec", '. "$SNAP/commands/env"; /usr/bin/env']
        env = {"SNAP": str(snap), "SNAP_COMMON": "/common"}
        done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=10, check=True)
        pairs = (line.partition("=") for line in done.stdout.splitlines())
        return {name: value for name, _, value in pairs}

    return asked


def test_libraries_are_those_of_the_revision_that_is_current(
    environment: Environment, tmp_path: Path
):
    assert environment()["LD_LIBRARY_PATH"] == str(tmp_path / "lxd/current/lib")


def test_without_libraries_of_its_own_the_system_s_are_found_as_ever(
    environment: Environment, folder: Path
):
    shutil.rmtree(folder / "lib")
    assert "LD_LIBRARY_PATH" not in environment()
