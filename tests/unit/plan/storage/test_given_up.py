# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Volumes of LXD's own on a member that leaves and gives up what it cannot take along."""

from __future__ import annotations

import pytest

from tests.lxd_model.cloud import Fault
from tests.lxd_model.generations import NAMES
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import leaving, names

MOVE = "PATCH /1.0"
DELETE = "DELETE /1.0/storage-pools/NAME/volumes"


def refused(app: ModelApp, call: str) -> ModelApp:
    """From now on LXD on m2 refuses these calls."""
    failing = app.units["lxd/2"].server.machine

    def fault(machine: str, asked: str) -> Fault:
        return "refuse" if machine == failing and asked.startswith(call) else ""

    app.cloud.fault = fault
    return app


@pytest.fixture
def app(generation: str) -> ModelApp:
    """lxd/2 leaves; LXD's images are on volumes of `fast`."""
    options = {"storage_pools": "fast: btrfs", "storage_images_volume": "fast"}
    return leaving(formed(3, generation, **options), "lxd/2")


@pytest.mark.parametrize("call", [MOVE, DELETE])
@pytest.mark.parametrize("generation", NAMES)
def test_one_that_lxd_keeps_is_left_by_the_operators_word(
    app: ModelApp, call: str, caplog: pytest.LogCaptureFixture
):
    app.options["on_remove"] = "abandon"
    refused(app, call)

    assert app.hook("lxd/2").hold == ""
    assert names(app) == ["m0", "m1"]
    assert "left on the disks of m2: volume fast/lxd-cluster-images: " in caplog.text


@pytest.mark.parametrize("call", [MOVE, DELETE])
@pytest.mark.parametrize("generation", NAMES)
def test_without_it_the_unit_is_held(app: ModelApp, call: str):
    refused(app, call)

    assert "was refused" in app.hook("lxd/2").hold
    assert names(app) == ["m0", "m1", "m2"]


@pytest.mark.parametrize("generation", NAMES)
def test_one_that_lxd_lets_go_is_gone_before_the_member_leaves(
    app: ModelApp, caplog: pytest.LogCaptureFixture
):
    app.options["on_remove"] = "abandon"

    assert app.hook("lxd/2").hold == ""
    assert names(app) == ["m0", "m1"]
    assert "left on the disks" not in caplog.text
