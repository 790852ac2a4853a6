# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A cluster changes from one LXD to the next while containers run on it."""

from __future__ import annotations

import re
import threading
import time
from pathlib import Path

import pytest

from lab.machines import cgroups, processes
from lxd.errors import LxdUnreachable
from lxd.http import Request
from lxd.socket import LxdSocket
from tests.bench.containers import all_run, launch
from tests.bench.drive import all_active, together, until
from tests.bench.figures import Figures
from tests.bench.machine_on_node import resource
from tests.bench.units import BenchApp

_ROOT = Path(__file__).parents[2]


class Watch:
    """Counts the seconds without an answer of any member, while the context lasts."""

    def __init__(self, app: BenchApp) -> None:
        self._ports = [LxdSocket(str(unit.node.socket)) for unit in app.units.values()]
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.lost = 0.0

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.is_set():
            begin = time.monotonic()
            answers = any(self._answers(port) for port in self._ports)
            time.sleep(0.1)
            if not answers:
                self.lost += time.monotonic() - begin

    @staticmethod
    def _answers(port: LxdSocket) -> bool:
        try:
            return not port.send(Request("GET", "/1.0/instances"), 1.0).error
        except LxdUnreachable:
            return False


@pytest.mark.long
def test_a_cluster_is_upgraded_with_running_containers(
    trio: BenchApp, later: tuple[Path, ...], figures: Figures
):
    if not later:
        pytest.skip("no later LXD: make bench NEXT='FOLDER ...'")
    names = ["c0", "c1", "c2"]
    for number, name in enumerate(names):
        launch(trio, name, f"m{number}")
    before = _first_processes(trio)
    for folder in later:
        lost, seconds = _upgrade(trio, folder)
        figures(f"to {folder.name}: {lost:.1f} s without the API, {seconds:.0f} s in all")
        assert set(all_run(trio, *names).values()) == {"m0", "m1", "m2"}
        assert _first_processes(trio) == before
    trio.add(3)
    until(trio, lambda: all_active(trio), 180)


@pytest.mark.long
def test_members_are_upgraded_one_after_the_other(trio: BenchApp, later: tuple[Path, ...]):
    if not later:
        pytest.skip("no later LXD: make bench NEXT='FOLDER ...'")
    for folder in later:
        trio.resource = resource(folder)
        for unit in trio.units:
            trio.hook(unit)
            # LXD tells the others of it by its heartbeats.
            time.sleep(12)
        until(trio, lambda: _all_run_it(trio, folder), 120)  # noqa: B023 - it is over by then


def _upgrade(app: BenchApp, folder: Path) -> tuple[float, float]:
    """The seconds without an API, and those until every unit is active."""
    app.resource = resource(folder)
    begin = time.monotonic()
    with Watch(app) as watch:
        together(app)
        until(app, lambda: _all_run_it(app, folder), 180)
    return watch.lost, time.monotonic() - begin


def _all_run_it(app: BenchApp, folder: Path) -> bool:
    return all(unit.node.lxd == folder for unit in app.units.values()) and all_active(app)


def _first_processes(app: BenchApp) -> dict[str, set[processes.Process]]:
    """By unit: the first processes of its containers, and of its node."""
    return {
        name: {
            p for p in cgroups.members(unit.node.place.name) if processes.is_first_of_namespace(p)
        }
        for name, unit in app.units.items()
    }


@pytest.mark.long
def test_members_that_wait_for_a_dead_one_go_on_once_its_record_has_their_version(
    trio: BenchApp, later: tuple[Path, ...]
):
    """Somebody refreshed LXD by hand. docs/how-to/recover.md has the statement."""
    if not later:
        pytest.skip("no later LXD: make bench NEXT='FOLDER ...'")
    trio.units["lxd/2"].node.kill_daemon()
    trio.release("lxd/2")
    for unit in trio.units.values():
        unit.ports.snap.install_file(str(later[0]))
    expected = "waits for a member without a unit"
    until(trio, lambda: expected in str(trio.hook("lxd/0").status), 180, ("lxd/0", "lxd/1"))
    folder = trio.units["lxd/0"].node.lxd_dir / "database"
    patch = folder / "patch.global.sql"
    patch.write_text(_statement())
    for unit in trio.units.values():
        unit.ports.snap.reload()

    until(trio, lambda: all_active(trio), 180)
    rows = trio.units["lxd/0"].ports.lxd.members.list()
    assert sorted(row.name for row in rows) == ["m0", "m1"]
    assert not patch.exists()


def _statement() -> str:
    text = (_ROOT / "docs/how-to/recover.md").read_text()
    found = re.search(r"UPDATE nodes SET .*;", text)
    assert found is not None
    return found[0].replace("MEMBER", "m2")
