# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Pools of a running cluster: made on all members at once, or not at all."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from actions import tables
from plan.storage.pools import default
from state.cluster import Pool
from state.facts import Ceph
from state.peers import Storage
from tests.lxd_model.generations import NAMES
from tests.unit.cephs import READY, on_ceph
from tests.unit.findings import drivers, preview_of, root, sources, statuses
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import (
    DISK,
    api,
    changed,
    later,
    server,
    the_cluster,
    with_instance,
    with_pool,
    without,
)
from values import profile_devices
from values.wanted_pool import WantedPool

POOLS = (Pool("local", "dir", "Created", frozenset()),)
DIR, ZFS = Storage(backend="dir", pool="local"), Storage(backend="zfs", pool="local-zfs")

DEFAULTS = [
    ("auto", "local", DIR, POOLS, "dir local"),
    ("zfs", "local", DIR, POOLS, "zfs local-zfs"),
    ("zfs", "fast", DIR, POOLS, "zfs fast"),
    ("auto", "local", ZFS, POOLS, "zfs local-zfs"),
    # The old pool is gone: its name must not cause a third one.
    ("zfs", "local", ZFS, (), "zfs local-zfs"),
    ("dir", "local", ZFS, POOLS, "dir local"),
    # It was made and is not on record yet, and the old one is gone.
    ("zfs", "local", DIR, (Pool("local-zfs", "zfs", "Created", frozenset()),), "zfs local-zfs"),
    # The recorded pool is gone, and another one has its name.
    ("auto", "local", Storage(backend="zfs", pool="local"), POOLS, "zfs local-zfs"),
]


@pytest.mark.parametrize(("word", "name", "decided", "known", "pool"), DEFAULTS)
def test_which_pool_is_the_default_one(
    word: str, name: str, decided: Storage, known: tuple[Pool, ...], pool: str
):
    found = default(WantedPool(name, word), decided, known)

    assert f"{found.backend} {found.name}" == pool


@pytest.mark.parametrize("generation", NAMES)
def test_another_backend_becomes_a_new_default_pool_and_the_old_one_stays(generation: str):
    app = with_instance(formed(3, generation), "m1", name="c1")

    changed(app, storage_backend="dir")

    assert root(app) == "local-dir"
    assert drivers(app) == {"local": "btrfs", "local-dir": "dir"}
    kept = the_cluster(app).instances["default", "c1"].devices["root"]
    assert kept == {"type": "disk", "path": "/", "pool": "local"}
    assert app.app().storage == Storage(backend="dir", pool="local-dir")
    assert statuses(app)["app"] == "active: 3 members, 3 voters"
    assert all(app.own(unit).call is None for unit in app.units)


def test_the_choice_stays_when_the_option_is_auto_again():
    app = formed(3)
    app.options["storage_backend"] = "dir"
    app.settle()

    app.options = {}
    app.settle()

    assert root(app) == "local-dir"


def test_a_cluster_of_one_asks_nobody():
    app = formed(1)
    app.options["storage_backend"] = "dir"

    app.hook("lxd/0")

    assert root(app) == "local-dir"


def test_each_member_gives_the_device_that_it_has():
    app = formed(3)
    for number, unit in enumerate(app.units.values()):
        unit.machine.disks = [replace(DISK, path=f"/dev/sd{number}")]
    app.options["storage_pools"] = (
        "{fast: {backend: btrfs, size: 5GiB, devices: /dev/sd0 /dev/sd1 /dev/sd2}}"
    )

    app.settle()

    assert sources(app, "fast") == {"m0": "/dev/sd0", "m1": "/dev/sd1", "m2": "/dev/sd2"}
    assert root(app) == "local"


BAD = [
    (
        {"storage_backend": "zfs"},
        "pool local-zfs of zfs: LXD here supports btrfs, dir; needs module zfs",
    ),
    (
        {"storage_pools": "{fast: {backend: btrfs, devices: /dev/sdb}}"},
        "/dev/sdb for the pool fast: not on this machine",
    ),
]


@pytest.mark.parametrize(("options", "why"), BAD)
def test_one_member_that_cannot_keeps_the_pool_from_being_made(options: dict[str, Any], why: str):
    app = formed(3)
    for unit in ("lxd/0", "lxd/1"):
        app.units[unit].server.drivers |= {"zfs"}
        app.units[unit].machine.disks = [DISK]
    app.options = options

    app.settle()

    assert set(drivers(app)) == {"local"}
    assert statuses(app)["lxd/2"].startswith(f"blocked: {why}")
    assert statuses(app)["app"].startswith("blocked: lxd/2: ")


NO_ROOM = replace(READY, granted=False, problem="no room")
SILENT_CEPH = replace(READY, granted=False)

HELD = [
    ("{apart: ceph, fast: dir}", None),
    ("{apart: ceph, fast: dir}", NO_ROOM),
    ("{apart: ceph, fast: dir}", SILENT_CEPH),
    ("{apart: zfs, fast: dir}", None),
]


@pytest.mark.parametrize(("pools", "answer"), HELD)
@pytest.mark.parametrize("generation", NAMES)
def test_a_pool_that_cannot_be_made_does_not_hold_the_next_one(
    pools: str, answer: Ceph | None, generation: str
):
    app = on_ceph(formed(3, generation))
    app.related["ceph"] = answer

    changed(app, storage_pools=pools)

    assert set(drivers(app)) == {"local", "fast"}
    held = statuses(app)["app"]
    assert not held.startswith("active")
    changed(app, storage_pools="fast: dir")
    assert statuses(app)["app"] == "active: 3 members, 3 voters"


def test_a_pool_waits_for_a_member_that_is_down():
    app = without(formed(3), "m2")
    app.options["storage_backend"] = "dir"

    assert str(app.hook("lxd/0").status) == "waiting: to make the pool local-dir until m2 is back"
    app.units["lxd/2"].server.power_on()
    later(app, 20.0).settle()
    assert root(app) == "local-dir"


def test_a_joining_unit_makes_its_part_of_every_pool():
    app = formed(2, storage_pools="fast: dir")
    app.options["storage_backend"] = "dir"
    app.settle()
    app.add(2)
    app.settle()

    assert app.own("lxd/2").cluster
    made = {pool.name for pool in the_cluster(app).pools.values() if "m2" in pool.made}
    assert made == {"local", "local-dir", "fast"}


def test_a_pool_that_was_deleted_is_made_again():
    app = formed(3)
    profile = api(app).profiles.default()
    api(app).profiles.set_default({**profile, "devices": {}})
    api(app).pools.delete("local")

    app.settle()

    assert the_cluster(app).pools["local"].status == "Created"
    assert root(app) == "local"


def test_a_key_that_was_changed_by_hand_is_set_again():
    pools = "{fast: {backend: btrfs, config: {btrfs.mount_options: noatime}}}"
    app = formed(3, storage_pools=pools)
    api(app).pools.update("fast", {"btrfs.mount_options": "sync"})

    app.settle()

    given = {"btrfs.mount_options": "noatime", "user.lxd-cluster.keys": "btrfs.mount_options"}
    assert the_cluster(app).pools["fast"].config == given


def test_a_size_that_cannot_change_names_the_option_that_has_it():
    app = formed(2, storage_pools="{fast: {backend: btrfs, size: 5GiB}}")
    app.options["storage_pools"] = "{fast: {backend: btrfs, size: 6GiB}}"

    app.settle()

    status = "blocked: storage-pools: fast was made with size 5GiB; set it back"
    assert statuses(app)["app"] == status


MISFITS = [
    (
        {"storage_size": "9GiB"},
        "storage-size=9GiB: pool local keeps its size; set --reset storage-size",
    ),
    ({"storage_pools": "fast: dir"}, "pool fast has the driver zfs here: choose another name"),
]


@pytest.mark.parametrize(("options", "why"), MISFITS)
def test_a_pool_that_cannot_be_what_is_asked_for_is_left(options: dict[str, Any], why: str):
    app = with_pool(formed(3), "fast", "zfs")
    before = dict(the_cluster(app).pools)

    changed(app, **options)

    assert the_cluster(app).pools == before
    assert statuses(app)["app"] == f"blocked: {why}"


def test_a_pool_in_a_state_that_nobody_knows_is_left_alone():
    app = formed(3)
    pools = the_cluster(app).pools
    pools["local"] = replace(pools["local"], status="Unknown")

    app.settle()

    assert pools["local"].status == "Unknown"
    assert statuses(app)["app"] == "active: 3 members, 3 voters"


def test_a_coordinator_sees_its_devices_before_the_default_pool_is_on_record():
    app = formed(1)
    del app.app_data["storage"]
    app.units["lxd/0"].machine.disks = [DISK]
    app.options["storage_pools"] = "{fast: {backend: btrfs, devices: /dev/sdb}}"

    assert app.view("lxd/0").devices == {("/dev/sdb",): (DISK,)}


def test_a_pool_is_not_made_while_somebody_joins():
    app = formed(2)
    app.add(2)
    app.hook("lxd/2")
    app.hook("lxd/0")
    app.hook("lxd/1")
    app.options["storage_backend"] = "dir"

    status = str(app.hook("lxd/0").status)

    assert status == "waiting: to make the pool local-dir until lxd/2 has joined"


def test_the_plan_shows_what_a_switch_of_pools_will_do():
    app = formed(3)
    with_instance(app, "m0")
    app.options["storage_backend"] = "dir"

    assert preview_of(app, "lxd/0") == [
        "ask m0, m1, m2 what they give to the pool local-dir",
        "create the dir pool local-dir on m0, m1, m2",
        "keep instances on the pool local",
        "let the default profile use the pool local-dir",
    ]
    assert set(drivers(app)) == {"local"}


def test_the_leader_shows_the_switch_though_another_unit_does_it():
    app = formed(3)
    app.leader = "lxd/2"
    app.options["storage_pools"] = "fast: dir"

    assert preview_of(app, "lxd/2")[-1] == "create the dir pool fast on m0, m1, m2"
    app.settle()
    assert preview_of(app, "lxd/2") == []


def test_the_table_of_pools_says_what_each_is_for():
    pools = (
        replace(POOLS[0], used_by=frozenset({"/1.0/instances/c1", "/1.0/images/1"})),
        Pool("fast", "zfs", "Created", frozenset()),
        Pool("old", "btrfs", "Created", frozenset()),
    )

    assert tables.pools_table(pools, ["local", "fast"], "local").splitlines() == [
        "Pool   Driver  State    Role       Used by",
        "fast   zfs     Created  asked for  0",
        "local  dir     Created  default    1",
        "old    btrfs   Created  left       0",
    ]


def test_a_member_that_cannot_mount_its_part_of_a_pool_says_so_and_goes_on():
    app = formed(3)
    server(app, "m1").unmounted.add("local")

    found = statuses(app)

    assert found["lxd/1"] == "blocked: pool local is not here: LXD cannot mount it; bring it back"
    assert found["app"] == "active: 3 members, 3 voters"


def with_shared_disk(app: ModelApp, pool: str) -> ModelApp:
    """The operator gives all instances a volume of a pool by the default profile."""
    profile = api(app).profiles.default()
    disk = {"type": "disk", "pool": pool, "source": "data", "path": "/data"}
    api(app).profiles.set_default({**profile, "devices": {**profile["devices"], "data": disk}})
    return app


@pytest.mark.parametrize("leader", ["lxd/0", "lxd/1"])
def test_another_disk_of_the_default_profile_is_not_its_root(leader: str):
    app = with_shared_disk(formed(3, storage_backend="dir", storage_pools="fast: dir"), "fast")
    app.leader = leader
    app.options |= {"storage_pool": "fast", "storage_pools": ""}
    assert "let the default profile use the pool fast" in preview_of(app, "lxd/0")[-1]

    app.settle()

    assert root(app) == "fast"
    record = app.app().storage
    assert record is not None
    assert record.pool == "fast"


@pytest.mark.parametrize("leader", ["lxd/0", "lxd/1"])
def test_the_record_waits_for_the_root_beside_another_disk(leader: str):
    """The coordinator has not changed the profile yet."""
    app = with_shared_disk(formed(3, storage_backend="dir", storage_pools="fast: dir"), "fast")
    app.leader = leader
    app.options |= {"storage_pool": "fast", "storage_pools": ""}

    record = app.plan(leader).app

    assert record is not None
    assert record.storage is not None
    assert record.storage.pool == "local"


def test_a_root_that_somebody_has_moved_is_moved_back_beside_another_disk():
    app = with_shared_disk(formed(3, storage_pools="fast: dir"), "local")
    profile = api(app).profiles.default()
    api(app).profiles.set_default(
        {**profile, "devices": profile_devices.with_root(profile["devices"], "fast")}
    )

    app.settle()

    assert root(app) == "local"
