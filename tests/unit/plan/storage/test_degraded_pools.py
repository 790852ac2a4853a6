# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A pool that works without one of its devices is named: LXD does not look."""

from __future__ import annotations

from tests.lxd_model.pools import uuid_of
from tests.unit.findings import HEALTHY, statuses
from tests.unit.model_units import ModelApp
from tests.unit.plan.storage.test_shared_disks import LUN

SAID = "zpool tank is DEGRADED"


def on_device() -> ModelApp:
    app = ModelApp(options={"storage_backend": "btrfs", "storage_devices": LUN.path})
    app.add(0).machine.disks = [LUN]
    app.settle()
    return app


def test_the_unit_and_the_application_say_it():
    app = on_device()
    app.units["lxd/0"].machine.degraded_ = {uuid_of(LUN.path): SAID}

    status = f"blocked: pool local: {SAID}: replace the failed device"
    assert str(app.hook("lxd/0").status) == status
    assert str(app.hook("lxd/0").app_status) == status


def test_another_zpool_of_the_machine_is_not_the_charms():
    app = on_device()
    app.units["lxd/0"].machine.degraded_ = {"rpool": SAID}

    assert statuses(app)["lxd/0"] == HEALTHY["lxd/0"]


def test_the_array_that_a_pool_was_made_on_counts():
    app = on_device()
    said = "array md0 is degraded"
    app.units["lxd/0"].machine.degraded_ = {LUN.path: said, "/dev/md1": "array md1 is degraded"}

    expected = f"blocked: pool local: {said}: replace the failed device"
    assert str(app.hook("lxd/0").status) == expected
