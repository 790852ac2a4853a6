# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Pools whose making or deletion was interrupted, refused or cut short."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest

from act.storage import create_pool, delete_pool
from actions.remove_pool import remove_pool
from lxd.errors import LxdError, LxdUnreachable
from records.pool_deletions import begun, marked
from state.facts import Device
from state.view import RunHistory
from steps.storage import CreatePool
from tests.lxd_model import by_hand, pools
from tests.lxd_model.cloud import Fault
from tests.lxd_model.generations import NAMES
from tests.lxd_model.server import Server
from tests.unit.findings import drivers, root, sources
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import (
    DISK,
    api,
    changed,
    later,
    names,
    server,
    the_cluster,
    with_half_made_pool,
    with_pool,
)


class Requests:
    """Requests to LXD about pools. It refuses the POSTs whose numbers are in `refused`."""

    def __init__(self, *refused: int) -> None:
        self.made: list[str] = []
        self._refused = refused

    def fault(self, machine: str, call: str) -> Fault:
        if not call.startswith(("POST /1.0/storage-pools", "DELETE /1.0/storage-pools")):
            return ""
        self.made.append(call.partition(" ")[0])
        posts = self.made.count("POST")
        return "refuse" if self.made[-1] == "POST" and posts in self._refused else ""


@pytest.mark.parametrize("generation", NAMES)
def test_a_pool_that_is_defined_and_could_not_be_made_is_on_no_member(generation: str):
    app = formed(3, generation)
    # After the three that define it.
    app.cloud.fault = Requests(4).fault
    app.options["storage_backend"] = "dir"
    for unit in (*app.units, "lxd/0"):
        app.hook(unit)

    assert set(drivers(app)) == {"local"}
    app.settle()
    assert root(app) == "local-dir"


@pytest.mark.parametrize("generation", NAMES)
def test_a_pool_whose_device_was_taken_in_the_meantime_is_on_no_member(generation: str):
    app = formed(3, generation)
    for unit in app.units.values():
        unit.machine.disks = [DISK]
    app.options["storage_pools"] = "{fast: {backend: btrfs, devices: /dev/sdb}}"
    for unit in app.units:
        app.hook(unit)
    app.units["lxd/2"].machine.disks = [replace(DISK, holds="ext4")]

    hold = app.hook("lxd/0").hold

    assert "/dev/sdb appears to contain an existing" in hold
    assert set(drivers(app)) == {"local"}
    for unit in app.units.values():
        unit.machine.wipe("/dev/sdb")
    app.settle()
    assert sources(app, "fast") == dict.fromkeys(names(app), "/dev/sdb")


@pytest.mark.parametrize("generation", NAMES)
def test_a_pool_is_finished_once_a_member_that_died_meanwhile_is_back(generation: str):
    app = formed(3, generation)
    app.options["storage_backend"] = "dir"
    for unit in app.units:
        app.hook(unit)
    server(app, "m2").kill_daemon()

    app.hook("lxd/0")

    assert the_cluster(app).pools["local-dir"].half_made
    assert root(app) == "local"
    server(app, "m2").start_daemon()
    later(app, 10.0).settle()
    assert root(app) == "local-dir"
    assert app.cloud.hollow == []


@pytest.mark.parametrize("generation", NAMES)
@pytest.mark.parametrize(
    ("status", "refused", "anew"),
    [("Errored", (), False), ("Errored", (1,), True), ("Pending", (), True)],
)
def test_what_a_run_left_half_made_is_finished_or_made_again(
    status: str, refused: tuple[int, ...], anew: bool, generation: str
):
    app = with_half_made_pool(formed(3, generation), "fast", "btrfs", status)
    assert the_cluster(app).pools["fast"].status == status
    requests = Requests(*refused)
    app.cloud.fault = requests.fault

    changed(app, storage_pools="fast: btrfs")

    assert the_cluster(app).pools["fast"].status == "Created"
    assert ("DELETE" in requests.made) is anew
    assert app.cloud.hollow == []


OTHER = Device("/dev/sdc", 20 << 30)


def cut_short(generation: str, *offered: Device) -> ModelApp:
    """A coordinator's hook ends while it makes a pool of zfs on /dev/sdb, and m2 restarts.

    LXD calls the pool errored; m2 has no part yet.
    """
    app = formed(3, generation)
    for unit in app.units.values():
        unit.machine.disks = offered
        unit.server.drivers |= {"zfs"}
    paths = " ".join(disk.path for disk in offered)
    app.options["storage_pools"] = f"{{fast: {{backend: zfs, devices: {paths}}}}}"
    for unit in app.units:
        app.hook(unit)
    last, members = server(app, "m2"), {name: {"source": "/dev/sdb"} for name in names(app)}
    with suppress(LxdError, LxdUnreachable):
        api(app).pools.create("fast", "zfs", {}, members, last.kill_daemon)
    last.start_daemon()
    assert the_cluster(app).pools["fast"].status == "Errored"
    return later(app, 10.0)


@pytest.mark.parametrize("generation", NAMES)
def test_a_pool_is_not_finished_on_a_device_that_is_not_offered_any_more(
    generation: str, monkeypatch: pytest.MonkeyPatch
):
    app = cut_short(generation, DISK, OTHER)
    # After the restart another disk has the name. The unit has not said so yet.
    app.units["lxd/2"].machine.disks = [replace(DISK, holds="ext4"), OTHER]
    formatted: list[str] = []

    def forced(server: Server, pool: str, source: str) -> None:
        """LXD 5.0 runs `zpool create -f`."""
        if server.devices.get(source) == "ext4":
            formatted.append(source)
        server.devices[source] = f"pool {pool}"

    monkeypatch.setattr(pools, "give", forced)
    app.settle()

    assert formatted == []
    assert the_cluster(app).pools["fast"].members["m2"]["source"] == "/dev/sdc"


@pytest.mark.parametrize("generation", NAMES)
def test_a_pool_is_finished_whatever_the_members_that_have_made_it_offer_now(generation: str):
    app = cut_short(generation, DISK)
    requests = Requests()
    app.cloud.fault = requests.fault
    assert the_cluster(app).pools["fast"].made == {"m0", "m1"}
    members = {"m0": {"source": "/dev/sdc"}, "m1": {}, "m2": {"source": "/dev/sdb"}}

    create_pool(
        CreatePool("fast", "zfs", {}, members), "lxd/0", app.units["lxd/0"].ports, RunHistory()
    )

    assert requests.made == ["POST"]


@pytest.mark.parametrize("generation", NAMES)
def test_a_pool_in_a_ceph_that_was_half_made_is_finished_and_stays(generation: str):
    app = formed(3, generation)
    for unit in app.units.values():
        unit.server.drivers |= {"ceph"}
    with_half_made_pool(app, "shared", "ceph", "Errored")
    existing, notes = api(app).pools, api(app).notes
    ports = app.units["lxd/0"].ports
    members = {name: dict[str, str]() for name in names(app)}
    step = CreatePool("shared", "ceph", {}, members)
    # As a run left it that could neither finish nor delete it.
    notes.write(begun("shared"))

    create_pool(step, "lxd/0", ports, RunHistory())

    (found,) = (p for p in marked(existing.list(), notes.read()) if p.name == "shared")
    assert not found.half_made


@pytest.mark.parametrize("generation", NAMES)
def test_a_deletion_that_lxd_refuses_leaves_the_pool_in_use(generation: str):
    app = with_pool(formed(3, generation), "fast", "btrfs")
    root_disk = {"root": {"type": "disk", "path": "/", "pool": "fast"}}
    by_hand.launch(server(app, "m0"), "c1", devices=root_disk)
    (fast,) = (p for p in api(app).pools.list() if p.name == "fast")

    with pytest.raises(LxdError, match="in use"):
        delete_pool(fast, app.units["lxd/0"].ports)

    existing = marked(api(app).pools.list(), api(app).notes.read())
    assert [p.half_made for p in existing if p.name == "fast"] == [False]


@pytest.mark.parametrize("generation", NAMES)
@pytest.mark.parametrize("again", ["the option", "the action", "a stale note"])
def test_a_deletion_that_was_cut_short_comes_to_its_end(again: str, generation: str):
    app = with_pool(formed(3, generation), "fast", "btrfs")
    server(app, "m2").kill_daemon()
    ports = app.units["lxd/0"].ports
    with pytest.raises(LxdError):
        delete_pool(next(p for p in api(app).pools.list() if p.name == "fast"), ports)
    server(app, "m2").start_daemon()
    later(app, 10.0)
    if again == "a stale note":
        api(app).pools.delete("fast")
        app.settle()
    elif again == "the action":
        remove_pool(app.view("lxd/0"), app.units["lxd/0"].ports, "fast")

    changed(app, storage_pools="fast: btrfs")

    assert the_cluster(app).pools["fast"].status == "Created"
    assert app.cloud.hollow == []
    assert not any(name.startswith("deleting.") for name in api(app).notes.read())
