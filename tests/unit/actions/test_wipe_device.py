# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The action wipe-device: what is wiped, and what the charm refuses to wipe."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from actions import refusal
from actions.wipe_device import wipe_device
from lxd.errors import LxdError, LxdUnreachable
from lxd.pools import PoolsApi, PoolSource
from state.facts import Device
from tests.lxd_model import by_hand
from tests.unit.lvm import OF_LVM, on_lvm, renamed_lvm
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import server

GIB = 1 << 30


EMPTY = Device("/dev/sdb", GIB)


HELD = replace(EMPTY, holds="ext4", ids=("uuid-1", "serial-1"))


def wipe(disk: Device | None, confirm: str) -> tuple[str, Any]:
    app = ModelApp()
    unit = app.add(0)
    unit.machine.disks = [disk] if disk else []
    return wipe_device(None, unit.ports, "/dev/sdb", confirm), unit.machine.disks[0]


@pytest.mark.parametrize("confirm", ["wipe-uuid-1", "wipe-serial-1"])
def test_a_device_is_wiped_if_the_operator_names_what_is_on_it(confirm: str):
    said, disk = wipe(HELD, confirm)

    assert said == "/dev/sdb held ext4 and is empty now"
    assert disk.holds == ""


NOT_WIPED = [
    (None, "wipe-uuid-1", "/dev/sdb is not a block device here"),
    (HELD, "", "/dev/sdb holds ext4: repeat with confirm=wipe-uuid-1"),
    (HELD, "uuid-1", "/dev/sdb holds ext4: repeat with confirm=wipe-uuid-1"),
    (replace(HELD, ids=()), "", "/dev/sdb holds ext4: repeat with confirm=wipe-dev-sdb"),
    (replace(HELD, use="is mounted"), "wipe-uuid-1", "/dev/sdb is mounted: nothing was wiped"),
]


@pytest.mark.parametrize(("disk", "confirm", "why"), NOT_WIPED, ids=lambda v: str(v)[-30:])
def test_a_device_is_not_wiped(disk: Device | None, confirm: str, why: str):
    with pytest.raises(refusal.ActionRefused, match=why):
        wipe(disk, confirm)


def test_an_empty_device_needs_no_wiping():
    assert wipe(EMPTY, "")[0] == "/dev/sdb is empty already"


def test_the_device_of_a_pool_is_not_wiped():
    app = on_lvm()

    with pytest.raises(refusal.ActionRefused, match="/dev/sdb is in pool local: nothing was wiped"):
        wipe_device(None, app.units["lxd/0"].ports, "/dev/sdb", "wipe-uuid-1")


def test_a_device_is_not_wiped_while_lxd_does_not_answer():
    """A stopped daemon has exported its zpools and unmounted its file systems."""
    app = on_lvm()
    app.units["lxd/0"].server.freeze()

    with pytest.raises(
        refusal.ActionRefused, match="may be in a pool of LXD, which does not answer here"
    ):
        wipe_device(None, app.units["lxd/0"].ports, "/dev/sdb", "wipe-uuid-1")


@pytest.mark.parametrize("kind", ["disk", "unix-block"])
def test_the_disk_of_an_instance_is_not_wiped(kind: str):
    app = formed(3)
    device = {"type": kind, "source": "/dev/sdb"}
    by_hand.launch(server(app, "m0"), "vm", devices={"data": device})
    unit = app.units["lxd/0"]
    unit.machine.disks = [HELD]

    with pytest.raises(
        refusal.ActionRefused, match="/dev/sdb is a disk of default/vm: nothing was wiped"
    ):
        wipe_device(None, unit.ports, "/dev/sdb", "wipe-uuid-1")
    # That disk is another machine's.
    app.units["lxd/1"].machine.disks = [HELD]
    assert "is empty now" in wipe_device(None, app.units["lxd/1"].ports, "/dev/sdb", "wipe-uuid-1")


def test_the_pool_s_disk_is_not_wiped_under_its_new_name():
    app = renamed_lvm()

    with pytest.raises(refusal.ActionRefused, match="/dev/sdc is in pool local: nothing was wiped"):
        wipe_device(None, app.units["lxd/0"].ports, "/dev/sdc", "wipe-uuid-1")


@pytest.mark.parametrize("error", [LxdUnreachable("timed out"), LxdError("it hangs")], ids=str)
def test_nothing_is_wiped_while_lxd_does_not_say_what_a_pool_is_on(
    monkeypatch: pytest.MonkeyPatch, error: Exception
):
    app = on_lvm()

    def hangs(self: PoolsApi, pool: str, member: str) -> PoolSource:
        raise error

    monkeypatch.setattr(PoolsApi, "source", hangs)

    with pytest.raises(refusal.ActionRefused, match="may be in a pool of LXD"):
        wipe_device(None, app.units["lxd/0"].ports, OF_LVM.path, "wipe-uuid-1")


def test_a_disk_is_not_wiped_while_one_of_its_partitions_is_in_a_pool():
    """The kernel calls the partition unused while no volume of the pool is active."""
    app = on_lvm()
    part = replace(OF_LVM, node="/dev/sdb1")
    words = ("sdb1 20480 MiB LVM2_member",)
    disk = Device("/dev/sdb", 40 * GIB, "", "gpt", ("serial-1",), "/dev/sdb", words)
    app.units["lxd/0"].machine.disks = [part, disk]

    why = "/dev/sdb has /dev/sdb1, which is in pool local: nothing was wiped"
    with pytest.raises(refusal.ActionRefused, match=why):
        wipe_device(None, app.units["lxd/0"].ports, "/dev/sdb", "wipe-serial-1")


def test_a_partition_is_not_wiped_while_an_instance_has_its_disk():
    """QEMU opens the disk without a lock, and the kernel calls the guest's partition unused."""
    app = formed(3)
    by_hand.launch(
        server(app, "m0"), "vm", devices={"data": {"type": "disk", "source": "/dev/sdb"}}
    )
    disk = Device("/dev/sdb", 40 * GIB, "", "gpt", ("serial-1",), "/dev/sdb")
    part = replace(HELD, path="/dev/sdb1", node="/dev/sdb1", disk="/dev/sdb")
    app.units["lxd/0"].machine.disks = [disk, part]

    why = "/dev/sdb1 is on /dev/sdb, which is a disk of default/vm: nothing was wiped"
    with pytest.raises(refusal.ActionRefused, match=why):
        wipe_device(None, app.units["lxd/0"].ports, "/dev/sdb1", "wipe-uuid-1")
