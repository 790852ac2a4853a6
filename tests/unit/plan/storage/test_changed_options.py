# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Options of storage that change while something else is not finished yet."""

from __future__ import annotations

from dataclasses import replace

import pytest

from state.facts import Ceph, Device
from tests.unit.findings import root, sources, statuses
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import DISK, changed, names, the_cluster, with_instance

CEPH = Ceph(user="lxd", key="AQDsecretkeyAA==", monitors=("10.0.9.1",), granted=True)


def on_ceph(**options: object) -> ModelApp:
    """Three members with the default pool in a Ceph."""
    app = formed(3)
    for unit in app.units.values():
        unit.server.drivers |= {"ceph"}
    app.related["ceph"] = CEPH
    return changed(app, storage_backend="ceph", **options)


def test_a_device_that_was_removed_from_the_list_is_not_formatted():
    """m2 has no sdb, so the pool waits. The last unit to see the new list still offers sdb."""
    app = formed(3)
    sdb, sdc = (replace(DISK, path=p, node=p) for p in ("/dev/sdb", "/dev/sdc"))
    for unit in app.units.values():
        unit.machine.disks = [sdb, sdc]
    app.units["lxd/2"].machine.disks = [sdc]
    changed(app, storage_pools="{fast: {backend: btrfs, devices: /dev/sdb}}")

    app.options["storage_pools"] = "{fast: {backend: btrfs, devices: /dev/sdc}}"
    for unit in ("lxd/2", "lxd/0", "lxd/1"):
        app.hook(unit)
    app.settle()

    assert sources(app, "fast") == dict.fromkeys(names(app), "/dev/sdc")


def on_storage_of_juju() -> ModelApp:
    """Three members on storage of Juju. MAAS gives each machine the link of its own disk."""
    app = ModelApp(options={"storage_backend": "btrfs"})
    for number in range(3):
        unit = app.add(number)
        link = f"/dev/disk/by-id/serial{number}"
        unit.storage = (link,)
        unit.server.drivers |= {"zfs"}
        sdc = replace(DISK, path="/dev/sdc", node="/dev/sdc")
        unit.machine.disks = [replace(DISK, path=link, node="/dev/sdb"), sdc]
    app.settle()
    assert len(names(app)) == 3
    return app


@pytest.mark.parametrize(
    ("changes", "pool"),
    [
        ({"storage_backend": "dir"}, "local-dir"),
        ({"storage_backend": "zfs", "storage_devices": "/dev/sdc"}, "local-zfs"),
    ],
)
def test_the_default_pool_is_changed_beside_storage_of_juju(changes: dict[str, str], pool: str):
    app = on_storage_of_juju()

    changed(app, **changes)

    assert root(app) == pool


CONTESTED = "blocked: storage-backend={0}: storage-pools has local-{0}; set storage-pool"


def test_a_pool_of_storage_pools_is_not_taken_for_the_default_one():
    app = formed(3)
    pools = "{local-dir: {backend: dir, config: {rsync.bwlimit: 10MB}}}"
    changed(app, storage_pools=pools)

    changed(app, storage_backend="dir")

    assert statuses(app)["app"] == CONTESTED.format("dir")
    assert the_cluster(app).pools["local-dir"].config["rsync.bwlimit"] == "10MB"
    changed(app, storage_pool="main")
    assert statuses(app)["app"] == "active: 3 members, 3 voters"
    assert root(app) == "main"


def test_the_default_pool_does_not_take_the_keys_of_another_one():
    app = on_ceph(storage_pools="{local-ceph: {backend: ceph, osd-pool: mine}}")

    assert statuses(app)["app"] == CONTESTED.format("ceph")


@pytest.mark.parametrize("problem", ["", "no room"])
def test_new_monitors_are_written_although_another_request_is_not_granted(problem: str):
    app = with_instance(on_ceph(), "m1")
    app.related["ceph"] = replace(CEPH, monitors=("10.0.9.7",), granted=False, problem=problem)

    changed(app, ceph_replicas=2)

    assert all("10.0.9.7" in str(u.machine.files) for u in app.units.values())


def test_a_ceph_that_still_has_instances_is_missed():
    app = with_instance(on_ceph(), "m1")
    changed(app, storage_backend="btrfs")
    assert root(app) == "local"

    app.related["ceph"] = None
    app.settle()

    status = "blocked: the pool local-ceph is in a Ceph: integrate that Ceph again"
    assert statuses(app)["app"] == status


def test_a_pool_of_the_operators_in_another_ceph_needs_no_relation():
    app = formed(3)
    for unit in app.units.values():
        unit.server.drivers |= {"ceph"}
    pool = {"ceph.user.name": "admin", "ceph.osd.pool_name": "theirs"}
    app.units["lxd/0"].ports.lxd.pools.create("theirs", "ceph", pool, {m: {} for m in names(app)})

    app.settle()

    assert statuses(app)["app"] == "active: 3 members, 3 voters"


def test_a_device_that_another_pool_has_is_named_as_such():
    options = {
        "storage_backend": "btrfs",
        "storage_devices": "/dev/sdb",
        "storage_pools": "{fast: {backend: btrfs, devices: /dev/sdb}}",
    }
    app = ModelApp(options=options)
    app.add(0).machine.disks = [Device("/dev/sdb", 20 << 30, node="/dev/sdb")]

    app.settle()

    status = "blocked: /dev/sdb is in another pool: name one more for fast"
    assert statuses(app)["lxd/0"] == status
