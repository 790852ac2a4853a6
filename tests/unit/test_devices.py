"""Devices for the pool: which one a unit takes, why it takes none, and wiping one on purpose."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

import actions
from options import Options, explain
from tests.unit.model_units import ModelApp, formed
from view import Device

GIB = 1 << 30
EMPTY = Device("/dev/sdb", GIB)


def with_disks(app: ModelApp, *disks: Device) -> ModelApp:
    """A third unit on a machine with these."""
    unit = app.add(2)
    unit.machine.disks = list(disks)
    return app


def source(app: ModelApp, unit: str) -> str | None:
    """What the unit gave to the pool when it joined or made it."""
    return app.units[unit].lxd.sources.get("local")


REFUSED: list[tuple[list[Device], str]] = [
    ([], "blocked: storage-devices=/dev/sdb /dev/sdc: not on this machine"),
    (
        [replace(EMPTY, holds="ext4")],
        "blocked: /dev/sdb holds ext4: run wipe-device, or name another",
    ),
    (
        [replace(EMPTY, use="is mounted")],
        "blocked: /dev/sdb is mounted: name another in storage-devices",
    ),
    (
        [replace(EMPTY, size=1000)],
        "blocked: /dev/sdb is smaller than 256 MiB: name another",
    ),
]


@pytest.mark.parametrize(("disks", "status"), REFUSED, ids=lambda v: str(v)[:40])
def test_a_unit_without_a_fit_device_stays_outside(disks: list[Device], status: str):
    app = formed(2)
    app.options["storage_devices"] = "/dev/sdb /dev/sdc"
    with_disks(app, *disks)
    app.settle()

    assert str(app.plan("lxd/2").status) == status
    assert not app.own("lxd/2").cluster


def test_the_first_device_that_is_empty_is_taken():
    app = formed(2)
    app.options["storage_devices"] = "/dev/sda, /dev/sdb,/dev/sdc"
    used = Device("/dev/sda", GIB, use="is mounted")
    with_disks(app, used, EMPTY, Device("/dev/sdc", GIB))
    app.settle()

    assert source(app, "lxd/2") == "/dev/sdb"


def test_the_founder_makes_the_pool_on_its_device():
    app = ModelApp(options={"storage_devices": "/dev/sdb", "storage_size": "10GiB"})
    app.add(0).machine.disks = [EMPTY]
    app.settle()

    assert source(app, "lxd/0") == "/dev/sdb"


def test_without_devices_each_member_makes_a_file_of_its_own():
    app = formed(2)

    assert source(app, "lxd/1") == ""


def test_devices_mean_nothing_to_a_pool_in_a_folder():
    app = ModelApp(options={"storage_devices": "/dev/sdb", "storage_backend": "dir"})
    app.add(0).machine.disks = [EMPTY]
    app.settle()

    assert str(app.plan("lxd/0").status) == (
        "blocked: storage-devices: dir takes no device; reset the option"
    )


def test_members_do_not_mind_the_option():
    app = formed(2)
    app.options["storage_devices"] = "/dev/none"

    assert [app.plan(u).status.message for u in app.units] == [
        "member m0, voter",
        "member m1, stand-by",
    ]


def test_a_join_that_fails_leaves_its_device_empty():
    app = formed(2)
    app.options["storage_devices"] = "/dev/sdb"
    with_disks(app, EMPTY)
    unit = app.units["lxd/2"]
    unit.lxd.fail_join = "no"
    for name in ("lxd/2", "lxd/0", "lxd/1"):
        app.hook(name)
    # Until the join failed, LXD had made the pool.
    unit.lxd.on_join = lambda: setattr(unit.machine, "disks", [replace(EMPTY, holds="btrfs")])
    app.hook("lxd/2")

    assert app.own("lxd/2").attempt == 1
    assert unit.machine.disks == [EMPTY]


@pytest.mark.parametrize("value", ["sdb", "/mnt/disk", "/dev/sdb disk2"])
def test_what_is_no_device_is_refused(value: str):
    with pytest.raises(ValidationError) as caught:
        Options(storage_devices=value)

    assert "use paths or globs that begin with /dev/" in explain(caught.value)


HELD = replace(EMPTY, holds="ext4", ids=("uuid-1", "serial-1"))


def wipe(disk: Device | None, confirm: str) -> tuple[str, Any]:
    app = ModelApp()
    unit = app.add(0)
    unit.machine.disks = [disk] if disk else []
    return actions.wipe_device(unit.world, "/dev/sdb", confirm), unit.machine.disks[0]


@pytest.mark.parametrize("confirm", ["uuid-1", "serial-1"])
def test_a_device_is_wiped_by_whoever_knows_what_is_on_it(confirm: str):
    said, disk = wipe(HELD, confirm)

    assert said == "/dev/sdb held ext4 and is empty now"
    assert disk.holds == ""


NOT_WIPED = [
    (None, "uuid-1", "/dev/sdb is no block device here"),
    (HELD, "", "/dev/sdb holds ext4: repeat with confirm=uuid-1"),
    (HELD, "yes", "/dev/sdb holds ext4: repeat with confirm=uuid-1"),
    (replace(HELD, ids=()), "", "/dev/sdb holds ext4: repeat with confirm=/dev/sdb"),
    (replace(HELD, use="is mounted"), "uuid-1", "/dev/sdb is mounted: nothing was wiped"),
]


@pytest.mark.parametrize(("disk", "confirm", "why"), NOT_WIPED, ids=lambda v: str(v)[-30:])
def test_a_device_is_not_wiped(disk: Device | None, confirm: str, why: str):
    with pytest.raises(actions.ActionRefused, match=why):
        wipe(disk, confirm)


def test_an_empty_device_needs_no_wiping():
    assert wipe(EMPTY, "")[0] == "/dev/sdb is empty already"
