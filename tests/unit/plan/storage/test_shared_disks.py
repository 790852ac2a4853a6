# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A disk that several machines see becomes a part of one member's pool only."""

from __future__ import annotations

from dataclasses import replace

import pytest

from actions import refusal
from actions.remove_pool import remove_pool
from actions.wipe_device import wipe_device
from plan.storage import shared_disks
from state.facts import Device
from tests.lxd_model.pools import uuid_of
from tests.unit.findings import sources, statuses
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import the_cluster

LUN = Device(
    "/dev/mapper/lun",
    20 << 30,
    node="/dev/dm-0",
    unique=("naa.600140554cf3a18a5d4d3a8b6f3c2d1e",),
)
OTHER = replace(LUN, path="/dev/sdc", node="/dev/sdc", unique=("naa.5000c500a1b2c3d4",))
VIRTUAL = Device("/dev/sdb", 20 << 30, ids=("drive-scsi0",), node="/dev/sdb")
FAST = {"storage_pools": f"{{fast: {{backend: btrfs, devices: {LUN.path} {OTHER.path}}}}}"}


def on_lun(*others: Device) -> ModelApp:
    """The first unit has its pool on a LUN. The second one sees these disks, and is new."""
    devices = f"{LUN.path} {OTHER.path} {VIRTUAL.path}"
    app = ModelApp(options={"storage_backend": "btrfs", "storage_devices": devices})
    app.add(0).machine.disks = [LUN]
    app.settle()
    app.add(1).machine.disks = list(others)
    app.settle()
    return app


def peers_of(app: ModelApp, unit: str):
    return app.view(unit).peers


def test_the_disk_of_another_member_s_pool_is_not_taken():
    """Also if this machine still reads zeros from it."""
    app = on_lun(LUN)

    refused = "blocked: /dev/mapper/lun is in a pool of lxd/0: name another"
    assert statuses(app)["lxd/1"] == refused
    assert not app.own("lxd/1").cluster


def test_the_next_listed_disk_is_taken_instead():
    app = on_lun(LUN, OTHER)

    assert sources(app, "local") == {"m0": LUN.path, "m1": OTHER.path}


def test_it_is_known_by_its_content_if_it_has_no_name():
    content = uuid_of(LUN.path)
    app = on_lun(replace(VIRTUAL, holds="btrfs", unique=(content,)))

    assert statuses(app)["lxd/1"] == "blocked: /dev/sdb is in a pool of lxd/0: name another"


def test_nobody_offers_to_wipe_it():
    app = on_lun(replace(LUN, holds="btrfs", ids=("uuid-1",)))

    ports = app.units["lxd/1"].ports
    with pytest.raises(refusal.ActionRefused, match="is in a pool of lxd/0: nothing was wiped"):
        wipe_device(peers_of(app, "lxd/1"), ports, LUN.path, "wipe-uuid-1")


def on_each(app: ModelApp, *disks: Device) -> ModelApp:
    for unit in app.units.values():
        unit.machine.disks = list(disks)
    return app


def test_members_that_would_give_one_disk_to_a_pool_make_none():
    app = on_each(formed(3), LUN)
    app.options |= FAST
    app.settle()

    refused = "blocked: /dev/mapper/lun is one disk on lxd/0 and lxd/1: name others"
    assert statuses(app)["app"] == statuses(app)[app.leader] == refused
    assert "fast" not in the_cluster(app).pools


def test_the_pool_is_made_once_each_has_its_own():
    app = on_each(formed(3), LUN)
    app.options |= FAST
    app.settle()
    for number, unit in enumerate(app.units.values()):
        unit.machine.disks = [replace(OTHER, unique=(f"naa.5000c500a1b2c3d{number}",))]
    app.options["storage_pools"] = f"{{fast: {{backend: btrfs, devices: {OTHER.path}}}}}"
    app.settle()

    assert set(sources(app, "fast").values()) == {OTHER.path}
    assert statuses(app)["app"] == "active: 3 members, 3 voters"


def test_disks_of_virtual_machines_that_are_called_alike_are_different_disks():
    app = on_each(formed(3), VIRTUAL)
    app.options["storage_pools"] = f"{{fast: {{backend: btrfs, devices: {VIRTUAL.path}}}}}"
    app.settle()

    assert set(sources(app, "fast")) == {"m0", "m1", "m2"}


def test_the_disk_of_a_removed_pool_is_free():
    app = on_each(formed(3), OTHER)
    app.units["lxd/0"].machine.disks = [LUN]
    for number in (1, 2):
        app.units[f"lxd/{number}"].machine.disks = [
            replace(OTHER, unique=(f"naa.5000c500a1b2c3d{number}",))
        ]
    app.options |= FAST
    app.settle()
    assert app.own("lxd/0").disks == {"fast": (*LUN.unique, uuid_of(LUN.path))}

    del app.options["storage_pools"]
    app.settle()
    remove_pool(app.view("lxd/0"), app.units["lxd/0"].ports, "fast", "")
    app.settle()

    assert app.own("lxd/0").disks == {}


def test_a_unit_that_the_cluster_has_removed_holds_no_disk():
    app = on_lun()
    app.databags["lxd/0"]["cluster"] = '""'
    peers = peers_of(app, "lxd/1")

    assert shared_disks.owner(LUN, peers) == ""


BOTH = replace(LUN, path="/dev/sdd", node="/dev/sdd")
"""The same disk by another path, without multipath."""


def test_two_paths_to_one_disk_do_not_go_into_two_pools():
    pools = f"{{fast: {{backend: btrfs, devices: {LUN.path} {BOTH.path}}}}}"
    devices = f"{LUN.path} {BOTH.path}"
    options = {"storage_backend": "btrfs", "storage_devices": devices, "storage_pools": pools}
    app = ModelApp(options=options)
    app.add(0).machine.disks = [LUN, BOTH]
    app.settle()

    status = "blocked: /dev/mapper/lun is in another pool: name one more for fast"
    assert statuses(app)["lxd/0"] == status


def test_the_other_path_to_the_disk_of_a_pool_is_in_use():
    """The kernel does not know the use while LXD's daemon is stopped, or a pool on lvm is idle."""
    app = on_each(formed(2), LUN, BOTH)
    app.options |= {"storage_pools": f"{{fast: {{backend: btrfs, devices: {LUN.path}}}}}"}
    app.units["lxd/1"].machine.disks = [replace(OTHER, path=LUN.path)]
    app.settle()
    assert sources(app, "fast") == {"m0": LUN.path, "m1": LUN.path}

    app.options["storage_pools"] = (
        f"{{fast: {{backend: btrfs, devices: {LUN.path}}}, "
        f"slow: {{backend: btrfs, devices: {BOTH.path}}}}}"
    )
    app.units["lxd/1"].machine.disks += [replace(VIRTUAL, path=BOTH.path)]
    app.settle()

    assert "blocked: lxd/0: /dev/sdd is in pool fast: name another" in statuses(app).values()


def test_the_other_path_to_the_disk_of_a_pool_is_not_wiped():
    app = on_each(formed(1), LUN)
    app.options |= {"storage_pools": f"{{fast: {{backend: btrfs, devices: {LUN.path}}}}}"}
    app.settle()
    app.units["lxd/0"].machine.disks += [replace(BOTH, holds="LVM2_member", ids=("uuid-1",))]

    with pytest.raises(refusal.ActionRefused, match="is in pool fast: nothing was wiped"):
        wipe_device(peers_of(app, "lxd/0"), app.units["lxd/0"].ports, BOTH.path, "wipe-uuid-1")
