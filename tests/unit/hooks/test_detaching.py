# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Juju detaches a device that it gave to a unit: whether LXD releases it."""

from __future__ import annotations

from dataclasses import replace
from typing import NoReturn

import pytest
from ops import testing
from ops.hookcmds import Error

from state.facts import Device
from tests.unit.lvm import OF_LVM, on_lvm
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import leaving, names, with_volume
from tests.unit.stage import Stage

USED = "is in use"


def detach(app: ModelApp, monkeypatch: pytest.MonkeyPatch, use: str = USED) -> testing.State:
    """The hook storage-detaching of lxd/2, whose device is as `use` says."""
    unit = app.units["lxd/2"]
    stage = Stage(app, unit, monkeypatch)
    storage = testing.Storage("local")
    path = storage.get_filesystem(stage.context)
    unit.machine.disks = [Device(str(path), 1 << 30, use=use)]
    event = stage.context.on.storage_detaching(storage)
    return stage.context.run(event, stage.state(storages={storage}))


def test_one_that_leaves_is_out_of_the_cluster_before_its_device_goes(
    monkeypatch: pytest.MonkeyPatch,
):
    app = leaving(formed(3), "lxd/2")

    detach(app, monkeypatch)

    assert names(app) == ["m0", "m1"]


def test_one_that_is_held_keeps_its_device_and_says_why(monkeypatch: pytest.MonkeyPatch):
    app = leaving(with_volume(formed(3), "m2"), "lxd/2")

    with pytest.raises(testing.errors.UncaughtCharmError, match="volume default/local/data"):
        detach(app, monkeypatch)

    assert names(app) == ["m0", "m1", "m2"]


def test_one_that_stays_keeps_what_lxd_uses_and_says_what_helps(monkeypatch: pytest.MonkeyPatch):
    app = formed(3)

    with pytest.raises(testing.errors.UncaughtCharmError, match="is in use: remove the unit"):
        detach(app, monkeypatch)

    assert names(app) == ["m0", "m1", "m2"]


def test_what_nobody_uses_goes_though_juju_says_nothing_of_the_units(
    monkeypatch: pytest.MonkeyPatch,
):
    app = formed(3)
    _without_goal_state(monkeypatch)

    detach(app, monkeypatch, use="")

    assert names(app) == ["m0", "m1", "m2"]


def test_where_juju_does_not_say_who_leaves_the_device_stays(monkeypatch: pytest.MonkeyPatch):
    app = leaving(formed(3), "lxd/2")
    _without_goal_state(monkeypatch)

    with pytest.raises(testing.errors.UncaughtCharmError, match=r"is in use: .*no goal state"):
        detach(app, monkeypatch)

    assert names(app) == ["m0", "m1", "m2"]


def _without_goal_state(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: Stage) -> NoReturn:
        raise Error(returncode=1, cmd=["goal-state"], stderr="no goal state")

    monkeypatch.setattr(Stage, "_goal_state", fails)


class TestAPoolOnLvm:
    """The kernel calls its device unused: LVM holds it only while a volume on it is active."""

    def detach(self, app: ModelApp, monkeypatch: pytest.MonkeyPatch) -> None:
        """The hook of lxd/2, whose storage is the device of its pool."""
        unit = app.units["lxd/2"]
        stage = Stage(app, unit, monkeypatch)
        storage = testing.Storage("local")
        path = str(storage.get_filesystem(stage.context))
        unit.machine.disks = [OF_LVM, replace(OF_LVM, path=path)]
        event = stage.context.on.storage_detaching(storage)
        stage.context.run(event, stage.state(storages={storage}))

    def test_one_that_stays_keeps_it(self, monkeypatch: pytest.MonkeyPatch):
        with pytest.raises(testing.errors.UncaughtCharmError, match="is in pool local: remove the"):
            self.detach(on_lvm(), monkeypatch)

    def test_one_that_is_held_keeps_it(self, monkeypatch: pytest.MonkeyPatch):
        app = leaving(with_volume(on_lvm(), "m2"), "lxd/2")

        with pytest.raises(testing.errors.UncaughtCharmError, match="volume default/local/data"):
            self.detach(app, monkeypatch)

    def test_one_that_leaves_is_out_before_it_goes(self, monkeypatch: pytest.MonkeyPatch):
        app = leaving(on_lvm(), "lxd/2")

        self.detach(app, monkeypatch)

        assert names(app) == ["m0", "m1"]

    def test_it_stays_while_lxd_does_not_answer(self, monkeypatch: pytest.MonkeyPatch):
        app = on_lvm()
        app.units["lxd/2"].server.kill_daemon()

        with pytest.raises(testing.errors.UncaughtCharmError, match="which does not answer here"):
            self.detach(app, monkeypatch)
