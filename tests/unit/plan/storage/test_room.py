# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A machine without space or a device for a pool refuses it before anything is made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from host.machine import Machine
from options.options import Options
from state.facts import Device
from tests.lxd_model.cloud import Cloud
from tests.lxd_model.generations import NAMES
from tests.unit.findings import sources, statuses
from tests.unit.model_units import ModelApp, formed
from tests.unit.model_world import UnitMachine
from tests.unit.scenarios import changed, the_cluster, with_half_made_pool

GIB = 1 << 30
FAST = "fast: {backend: btrfs, size: 40GiB}"
DEVICE = "fast: {backend: btrfs, devices: /dev/sdb}"


def roomy(app: ModelApp, *free: int) -> ModelApp:
    """Each machine in turn has so many GiB free."""
    for unit, room in zip(app.units.values(), free, strict=True):
        unit.machine.room_ = room * GIB
    return app


def test_a_size_that_a_member_has_no_room_for_is_refused():
    app = roomy(formed(3), 100, 100, 30)

    changed(app, storage_pools=FAST)

    reason = "pool fast: 40GiB is wanted, 30 GiB are free: set its size or devices"
    assert statuses(app)["lxd/2"] == f"blocked: {reason}"
    assert statuses(app)["lxd/0"].startswith(
        "blocked: lxd/2: pool fast: 40GiB is wanted, 30 GiB are free"
    )
    assert "fast" not in the_cluster(app).pools
    changed(app, storage_pools="fast: {backend: btrfs, size: 30GiB}")
    assert "fast" in the_cluster(app).pools


def test_the_first_unit_says_so_before_it_makes_the_cluster():
    app = ModelApp(options={"storage_size": "100GiB"})
    app.add(0).machine.room_ = 20 * GIB
    app.settle()

    reason = "pool local: 100GiB is wanted, 20 GiB are free: set its size or devices"
    assert statuses(app)["lxd/0"] == f"blocked: {reason}"
    assert not app.own("lxd/0").cluster


def test_pools_on_one_file_system_share_its_room():
    app = ModelApp(options={"storage_size": "30GiB", "storage_pools": FAST})
    app.add(0).machine.room_ = 50 * GIB
    app.settle()

    reason = "pool fast: 40GiB is wanted, 20 GiB are free: set its size or devices"
    assert statuses(app)["lxd/0"] == f"blocked: {reason}"


def test_one_that_joins_has_to_have_room_for_what_is_there():
    app = formed(2, storage_size="50GiB")

    app.add(2).machine.room_ = 20 * GIB
    app.settle()

    reason = "pool local: 50GiB is wanted, 20 GiB are free: name a device for it"
    assert statuses(app)["lxd/2"] == f"blocked: {reason}"
    assert len(the_cluster(app).members) == 2


def test_without_a_size_lxd_needs_five():
    app = formed(2)

    app.add(2).machine.room_ = 4 * GIB
    app.settle()

    reason = "pool local: 5GiB is wanted, 4 GiB are free: name a device for it"
    assert statuses(app)["lxd/2"] == f"blocked: {reason}"


@pytest.mark.parametrize("options", [{"storage_backend": "dir"}, {"storage_devices": "/dev/sdb"}])
def test_what_is_not_a_file_needs_no_room(options: dict[str, Any]):
    app = ModelApp(options=options)
    unit = app.add(0)
    unit.machine.room_ = GIB
    unit.machine.disks = [Device("/dev/sdb", 100 * GIB, node="/dev/sdb")]
    app.settle()

    assert app.own("lxd/0").cluster


def test_a_volume_s_own_size_fits_into_the_pool():
    app = formed(2)
    config = "{volume.size: 30GiB}"
    for unit in app.units.values():
        unit.machine.disks = [Device("/dev/sdb", 20 * GIB, node="/dev/sdb")]

    changed(app, storage_pools=f"fast: {{backend: btrfs, devices: /dev/sdb, config: {config}}}")

    reason = "pool fast: volume.size=30GiB is more than /dev/sdb has: 20 GiB"
    assert statuses(app)["lxd/1"] == f"blocked: {reason}"


def test_a_volume_s_own_size_fits_into_the_pool_s():
    config = "{volume.size: 30GiB}"
    with pytest.raises(ValueError, match=r"fast: volume.size=30GiB is more than size=20GiB"):
        Options(storage_pools=f"fast: {{backend: btrfs, size: 20GiB, config: {config}}}")


@pytest.mark.parametrize("generation", NAMES)
def test_one_that_joins_gets_no_file_where_the_others_have_devices(generation: str):
    app = formed(2, generation)
    for unit in app.units.values():
        unit.machine.disks = [Device("/dev/sdb", 20 * GIB, node="/dev/sdb")]
    changed(app, storage_pools=DEVICE)
    changed(app, storage_pools="")

    app.add(2).machine.disks = [Device("/dev/sdc", 20 * GIB, node="/dev/sdc")]
    app.settle()

    reason = "pool fast is on devices: name this machine's in storage-pools"
    assert statuses(app)["lxd/2"] == f"blocked: {reason}"
    assert sorted(row.name for row in the_cluster(app).members) == ["m0", "m1"]
    changed(app, storage_pools="fast: {backend: btrfs, devices: /dev/sdb /dev/sdc}")
    assert sources(app, "fast")["m2"] == "/dev/sdc"


def test_another_option_is_named_for_the_default_pool():
    app = ModelApp(options={"storage_devices": "/dev/sdb"})
    for number in range(2):
        app.add(number).machine.disks = [Device("/dev/sdb", 20 * GIB, node="/dev/sdb")]
    app.settle()
    changed(app, storage_devices="")

    app.add(2)
    app.settle()

    reason = "pool local is on devices: name this machine's in storage-devices"
    assert statuses(app)["lxd/2"] == f"blocked: {reason}"


def _on_devices(generation: str) -> ModelApp:
    """Two members with the default pool on devices."""
    app = ModelApp(
        options={"storage_backend": "btrfs", "storage_devices": "/dev/sdb"},
        cloud=Cloud(generation=generation),
    )
    for number in range(2):
        app.add(number).machine.disks = [Device("/dev/sdb", 20 * GIB, node="/dev/sdb")]
    app.settle()
    return app


WITHOUT_DEVICES = {
    "local-dir": {"storage_backend": "dir"},
    "other": {"storage_backend": "dir", "storage_pool": "other"},
}
"""By the name of the new default pool: options that make one that uses no devices."""


@pytest.mark.parametrize("generation", NAMES)
@pytest.mark.parametrize("name", WITHOUT_DEVICES)
def test_an_earlier_default_pool_is_given_the_devices_of_the_default_pool(
    generation: str, name: str
):
    app = _on_devices(generation)
    changed(app, **WITHOUT_DEVICES[name], storage_devices="")
    app.settle()
    assert set(the_cluster(app).pools) == {"local", name}

    app.add(2).machine.disks = [Device("/dev/sdc", 20 * GIB, node="/dev/sdc")]
    app.settle()

    reason = "pool local is on devices: name this machine's in storage-devices"
    assert statuses(app)["lxd/2"] == f"blocked: {reason}"
    changed(app, storage_devices="/dev/sdb /dev/sdc")
    app.settle()
    assert sources(app, "local")["m2"] == "/dev/sdc"


@pytest.mark.parametrize("generation", NAMES)
@pytest.mark.parametrize("name", WITHOUT_DEVICES)
def test_devices_of_the_pool_before_do_not_hinder_a_change_to_one_without(
    generation: str, name: str
):
    """A joining unit's status asks for them."""
    app = _on_devices(generation)

    changed(app, **WITHOUT_DEVICES[name])
    app.settle()

    assert set(the_cluster(app).pools) == {"local", name}
    assert {s.partition(":")[0] for s in statuses(app).values()} == {"active"}


@pytest.mark.parametrize("generation", NAMES)
def test_an_earlier_default_pool_without_devices_takes_none(generation: str):
    app = formed(2, generation, storage_backend="dir")
    for unit in app.units.values():
        unit.machine.disks = [Device("/dev/sdb", 20 * GIB, node="/dev/sdb")]
    changed(app, storage_backend="btrfs", storage_devices="/dev/sdb")
    app.settle()
    assert set(the_cluster(app).pools) == {"local", "local-btrfs"}

    app.add(2).machine.disks = [Device("/dev/sdb", 20 * GIB, node="/dev/sdb")]
    app.settle()

    assert statuses(app)["lxd/2"] == "active: member m2, voter"
    assert sources(app, "local-btrfs")["m2"] == "/dev/sdb"


def test_a_pool_of_files_needs_no_device():
    app = formed(2)
    changed(app, storage_pools="fast: btrfs")
    changed(app, storage_pools="")

    app.add(2)
    app.settle()

    assert "m2" in the_cluster(app).pools["fast"].members


@pytest.mark.parametrize("made", [True, False])
def test_the_room_is_that_of_lxd_s_folder(tmp_path: Path, made: bool):
    folder = tmp_path / "lxd"
    if made:
        folder.mkdir()

    room = Machine(tmp_path, folder).room()

    assert 0 < room < 1 << 60


@pytest.mark.parametrize("size", ["", "60GiB"])
def test_the_file_of_a_pool_that_exists_may_still_grow(size: str):
    """LXD makes it sparse: the space looks free until it is full."""
    app = roomy(formed(3, storage_size=size), 90, 90, 90)

    changed(app, storage_pools=FAST)

    reason = "pool fast: 40GiB is wanted, 30 GiB are free: set its size or devices"
    assert (statuses(app)["lxd/2"] == f"blocked: {reason}") == bool(size)
    assert ("fast" in the_cluster(app).pools) == (not size)


def test_the_file_of_a_half_made_pool_does_not_stand_in_its_way(monkeypatch: pytest.MonkeyPatch):
    app = roomy(with_half_made_pool(formed(3), "fast", "btrfs", "Errored"), 50, 50, 50)

    def growth(_: UnitMachine) -> dict[str, int]:
        return {"fast": 40 * GIB}

    monkeypatch.setattr(UnitMachine, "growth", growth)
    changed(app, storage_pools=FAST)

    assert the_cluster(app).pools["fast"].status == "Created"


def test_what_the_files_of_pools_may_still_take(tmp_path: Path):
    disks = tmp_path / "lxd" / "disks"
    disks.mkdir(parents=True)
    with (disks / "local.img").open("wb") as file:
        file.write(b"x" * 8192)
        file.truncate(1 << 30)
    (disks / "full.img").write_bytes(b"x" * 8192)

    growth = Machine(tmp_path, tmp_path / "lxd").growth()

    assert 0 < GIB - growth["local"] < 1 << 20
    assert growth["full"] == 0
    assert Machine(tmp_path, tmp_path / "none").growth() == {}
