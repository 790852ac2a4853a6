# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The tools for the kernel's zfs: LXD's snap has them for some versions only."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from host import capabilities
from plan.unit import make_plan
from state.facts import Resource
from state.view import View
from tests.unit.findings import statuses
from tests.unit.model_units import ModelApp, formed

WITHOUT = "no tools for zfs {}: snap set lxd zfs.external=true"


class Machine:
    """The kernel of all machines, and the snap on them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / "snap").mkdir()
        (folder / "sys/zfs").mkdir(parents=True)

    def boots(self, zfs: str) -> None:
        (self._folder / "sys/zfs/version").write_text(f"{zfs}\n")

    def has_tools(self, *versions: str) -> None:
        for version in versions:
            (self._folder / f"snap/zfs-{version}").mkdir()

    def is_set(self, line: str) -> None:
        (self._folder / "config").write_text(f"ovn_builtin=false\n{line}\n")


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setattr(capabilities, "_SNAP", tmp_path / "snap")
    monkeypatch.setattr(capabilities, "_SNAP_CONFIG", tmp_path / "config")
    monkeypatch.setattr(capabilities, "_SYS_MODULES", tmp_path / "sys")
    # What the kernel lacks besides does not matter here.
    monkeypatch.setattr(capabilities, "_ALL_MODULES", tmp_path / "none")
    machine = Machine(tmp_path)
    machine.boots("2.1.5-1ubuntu6~22.04.6")
    machine.has_tools("2.1", "2.2")
    return machine


def on_zfs(number: int = 3) -> ModelApp:
    app = ModelApp(options={"storage_backend": "zfs"})
    for unit in range(number):
        app.add(unit).server.drivers |= {"zfs"}
    app.settle()
    return app


def test_a_new_kernel_for_which_the_snap_has_no_tools(machine: Machine):
    app = on_zfs()
    machine.boots("2.3.1-1ubuntu1")
    last = app.units["lxd/2"].server
    last.drivers -= {"zfs"}
    last.unmounted.add("local")

    for unit in app.units:
        app.hook(unit)

    assert statuses(app)["lxd/2"] == f"blocked: pool local: {WITHOUT.format('2.3')}"
    assert statuses(app)["app"] == f"blocked: lxd/2: pool local: {WITHOUT.format('2.3')}"


def bootstrap_unit_on_zfs() -> str:
    """The status of a first unit that makes its pool on zfs."""
    app = ModelApp(options={"storage_backend": "zfs"})
    app.add(0)
    app.settle()
    return statuses(app)["lxd/0"]


def test_a_backend_for_which_the_snap_has_no_tools(machine: Machine):
    machine.boots("2.4.1")

    assert bootstrap_unit_on_zfs() == f"blocked: storage-backend=zfs: {WITHOUT.format('2.4')}"


def test_a_module_that_was_loaded_after_lxd(machine: Machine):
    why = "zfs was loaded after LXD: snap restart --reload lxd"
    assert bootstrap_unit_on_zfs() == f"blocked: storage-backend=zfs: {why}"


def test_a_kernel_without_zfs_needs_the_module(machine: Machine):
    machine.boots("")

    assert bootstrap_unit_on_zfs().endswith("; needs module zfs")


def test_lxd_is_not_exchanged_for_one_without_tools_for_the_kernel(machine: Machine):
    view = with_file(on_zfs(2).view("lxd/0"), "6.9")
    plan = make_plan(view)

    assert str(plan.status) == f"blocked: LXD 6.9: {WITHOUT.format('2.1')}"
    assert plan.own is not None
    assert not plan.own.fits


@pytest.mark.parametrize("version", ["5.21.7", "6.6"])
def test_an_lxd_with_tools_for_the_kernel_is_not_refused(version: str, machine: Machine):
    plan = make_plan(with_file(on_zfs(2).view("lxd/0"), version))

    assert "zfs" not in str(plan.status)


def test_a_newer_kernel_has_tools_in_the_newer_lxd(machine: Machine):
    machine.boots("2.2.2-0ubuntu9")

    plan = make_plan(with_file(on_zfs(2).view("lxd/0"), "6.9"))

    assert "zfs" not in str(plan.status)


def test_a_newer_lxd_may_have_the_tools_that_this_one_lacks(machine: Machine):
    app = on_zfs(2)
    machine.boots("2.3.1-1ubuntu1")
    first = app.units["lxd/0"].server
    first.drivers -= {"zfs"}
    first.unmounted.add("local")

    plan = make_plan(with_file(app.view("lxd/0"), "6.9"))

    assert plan.own is not None
    assert plan.own.fits


def test_the_machines_own_tools_fit_its_kernel(machine: Machine):
    machine.is_set("zfs_external=true")

    plan = make_plan(with_file(on_zfs(2).view("lxd/0"), "6.9"))

    assert "zfs" not in str(plan.status)


def test_a_cluster_without_zfs_needs_no_tools(machine: Machine):
    plan = make_plan(with_file(formed(2).view("lxd/0"), "6.9"))

    assert "zfs" not in str(plan.status)


def with_file(view: View, version: str) -> View:
    """The view of a unit that has fetched another LXD."""
    snap = replace(view.snap, same_as_resource=False, offered=version)
    return replace(view, resource=Resource("/lxd.snap", "new"), snap=snap)
