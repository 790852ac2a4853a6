# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Pools that an operator put into a zpool, a volume group or a folder of each member."""

from __future__ import annotations

import pytest

from actions.refusal import ActionRefused
from actions.remove_pool import remove_pool
from lxd.errors import LxdError
from state.facts import Forming
from tests.lxd_model.generations import NAMES
from tests.unit.findings import statuses
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import api, changed, fail, later, names, the_cluster

LIKE_LXDS_OWN = "/mnt/nfs/storage-pools/fast"
"""A folder whose path ends as LXD's own folder for the pool does."""
PLACES = [
    ("zfs", "tank/lxd"),
    ("lvm", "vg0"),
    ("btrfs", "/mnt/data"),
    ("dir", "/srv/lxd"),
    ("dir", LIKE_LXDS_OWN),
]


def made(driver: str, place: str, generation: str = "5.21") -> ModelApp:
    """A cluster with a pool that its operator made at that place, and one more unit."""
    app = formed(2, generation)
    app.add(2)
    for unit in app.units.values():
        unit.server.drivers |= {driver}
    members = {member: {"source": place} for member in names(app)}
    api(app).pools.create("fast", driver, {}, members)
    return app


@pytest.mark.parametrize("generation", NAMES)
@pytest.mark.parametrize(("driver", "place"), PLACES)
def test_a_joining_member_has_its_part_at_the_same_place(driver: str, place: str, generation: str):
    """LXD issues 11374, 4404 and 8595: each asks how to join with an existing zpool."""
    app = made(driver, place, generation)

    app.settle()

    assert the_cluster(app).pools["fast"].members["m2"]["source"] == place


@pytest.mark.parametrize("generation", NAMES)
def test_a_unit_that_cannot_have_its_part_is_reported_and_gets_no_token(generation: str):
    """Otherwise it would give each token back, and get the next one, for good."""
    app = made("zfs", "tank/lxd", generation)
    app.units["lxd/2"].server.drivers -= {"zfs"}

    app.settle()

    assert statuses(app)["lxd/2"].startswith("blocked: pool fast of zfs: LXD here supports")
    assert [app.own(unit).token for unit in app.units] == [None] * 3


def test_an_option_may_name_a_device_of_the_joining_machine_instead():
    app = made("zfs", "tank/lxd")

    changed(app, storage_pools="{fast: {backend: zfs, devices: /dev/sdb}}")

    assert statuses(app)["lxd/2"] == "blocked: /dev/sdb for the pool fast: not on this machine"


def test_a_failed_join_does_not_wipe_a_source_that_is_not_a_device():
    app = made("dir", "/srv/lxd")
    noted: list[Forming | None] = []
    machine = app.units["lxd/2"].machine
    fail(app, "lxd/2", "PUT /1.0/cluster")
    release = machine.release
    machine.release = lambda devices: (noted.append(machine.forming_), release(devices))[1]

    for _ in range(3):
        later(app, 10.0)
        for name in app.units:
            app.hook(name)

    assert noted
    assert all(forming is not None and forming.devices == () for forming in noted)


@pytest.mark.parametrize("generation", NAMES)
@pytest.mark.parametrize(("driver", "place"), PLACES)
def test_a_folder_is_wiped_with_its_pool_only_if_the_operator_says_so(
    driver: str, place: str, generation: str
):
    """LXD issue 3657. LXD itself keeps what others have in a zpool or in a volume group."""
    app = made(driver, place, generation)
    app.settle()
    view, ports = app.view("lxd/0"), app.units["lxd/0"].ports

    if place.startswith("/"):
        why = f"fast is in {place}: LXD wipes that folder .* repeat with confirm=wipe-fast"
        with pytest.raises(ActionRefused, match=why):
            remove_pool(view, ports, "fast")
        assert "fast" in the_cluster(app).pools

    confirm = "wipe-fast" if place.startswith("/") else ""
    assert remove_pool(view, ports, "fast", confirm) == "the pool fast is gone from all members"


@pytest.mark.parametrize("generation", NAMES)
def test_the_folder_of_another_member_counts_as_well(generation: str):
    """Each member has its own source, and the action may run on any."""
    app = formed(2, generation)
    api(app).pools.create("fast", "dir", {}, {"m0": {}, "m1": {"source": "/mnt/nfs"}})
    app.settle()
    view, ports = app.view("lxd/0"), app.units["lxd/0"].ports

    with pytest.raises(ActionRefused, match=r"fast is in /mnt/nfs: .* confirm=wipe-fast"):
        remove_pool(view, ports, "fast")
    assert "fast" in the_cluster(app).pools

    assert remove_pool(view, ports, "fast", "wipe-fast").startswith("the pool fast is gone")


def test_what_is_on_a_member_that_does_not_answer_is_not_wiped_unasked():
    app = formed(2)
    api(app).pools.create("fast", "dir", {}, {"m0": {}, "m1": {"source": "/mnt/nfs"}})
    app.settle()
    view = app.view("lxd/0")
    fail(app, "lxd/0", "GET /1.0/storage-pools/NAME")

    with pytest.raises(LxdError):
        remove_pool(view, app.units["lxd/0"].ports, "fast")
    assert "fast" in the_cluster(app).pools


SHARED_MEMORY = "/dev/shm/tmp"
"""LXD issue 8730: a folder below /dev."""


@pytest.mark.parametrize("generation", NAMES)
def test_a_folder_below_dev_is_not_a_device(generation: str):
    app = made("dir", SHARED_MEMORY, generation)

    app.settle()

    assert the_cluster(app).pools["fast"].members["m2"]["source"] == SHARED_MEMORY
    with pytest.raises(ActionRefused, match="repeat with confirm=wipe-fast"):
        remove_pool(app.view("lxd/0"), app.units["lxd/0"].ports, "fast")
