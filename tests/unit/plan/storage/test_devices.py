# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Devices for the pool: the one that a unit takes, why it takes none, and wiping one."""

from __future__ import annotations

import subprocess
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from backends import Backend
from backends.btrfs import BACKEND as BTRFS
from backends.dir import BACKEND as DIR
from host import disks
from lxd.errors import LxdUnreachable
from observe import devices as observed
from options.options import Options, explain
from plan.storage import devices
from state.facts import Device
from state.lxd_objects import Instance
from tests.lxd_model import by_hand
from tests.lxd_model.generations import NAMES
from tests.unit.findings import sources, statuses
from tests.unit.lvm import OF_LVM, on_lvm, renamed_lvm
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import server, the_cluster
from values.status import STATUS_LIMIT, Status
from values.wanted_pool import WantedPool

GIB = 1 << 30
EMPTY = Device("/dev/sdb", GIB)
VIEW = formed(1).view("lxd/0")
STORAGE = [name for name in Options.model_fields if name.startswith(("storage", "ceph"))]


def with_disks(app: ModelApp, *disks: Device) -> ModelApp:
    """A third unit on a machine with these."""
    unit = app.add(2)
    unit.machine.disks = list(disks)
    return app


REFUSED: list[tuple[list[Device], str]] = [
    ([], "blocked: /dev/sdb and 1 more for the pool local: not on this machine"),
    (
        [replace(EMPTY, holds="ext4")],
        "blocked: /dev/sdb holds ext4: run wipe-device, or name another",
    ),
    (
        [replace(EMPTY, use="is mounted")],
        "blocked: /dev/sdb is mounted: name another",
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

    assert sources(app, "local")["m2"] == "/dev/sdb"


def test_the_bootstrap_unit_makes_the_pool_on_its_device():
    app = ModelApp(options={"storage_devices": "/dev/sdb", "storage_size": "1GiB"})
    app.add(0).machine.disks = [EMPTY]
    app.settle()

    assert sources(app, "local") == {"m0": "/dev/sdb"}


def test_without_devices_each_member_makes_a_file_of_its_own():
    app = formed(2)

    assert sources(app, "local") == {"m0": "", "m1": ""}
    assert the_cluster(app).pools["local"].made == {"m0", "m1"}


def test_devices_mean_nothing_to_a_pool_in_a_folder():
    app = ModelApp(options={"storage_devices": "/dev/sdb", "storage_backend": "dir"})
    app.add(0).machine.disks = [EMPTY]
    app.settle()

    assert str(app.plan("lxd/0").status) == (
        "blocked: pool local: dir uses no devices; name none for it"
    )


def test_members_do_not_mind_the_option():
    app = formed(2)
    app.options["storage_devices"] = "/dev/none"

    assert [app.plan(u).status.message for u in app.units] == [
        "member m0, voter",
        "member m1, stand-by",
    ]


@pytest.mark.parametrize("generation", NAMES)
def test_a_join_that_fails_leaves_its_device_empty(generation: str):
    app = formed(3, generation)
    app.options["storage_devices"] = "/dev/sdb"
    unit = app.add(3)
    unit.machine.disks = [EMPTY]
    for name in ("lxd/3", "lxd/0", "lxd/2"):
        app.hook(name)
    # LXD makes the pool on the device first, and then is refused: m1 has another version by now.
    refreshed = server(app, "m1")
    refreshed.version = f"{refreshed.version}9"
    refreshed.restart()
    app.hook("lxd/3")

    assert unit.machine.failures_ is not None
    assert "version" in unit.machine.failures_.last
    assert app.own("lxd/3").attempt == 1
    # What LXD imported or mounted from it would keep the device in use.
    assert unit.machine.released == {"/dev/sdb"}
    assert unit.machine.disks == [EMPTY]


_DISKS = st.builds(
    Device,
    path=st.text(min_size=1, max_size=120).map(lambda name: f"/dev/{name}"),
    size=st.integers(0, 1 << 40),
    use=st.sampled_from(["", "is mounted", "is part of " + "dm-0, " * 20]),
    holds=st.sampled_from(["", "ext4", "LVM2_member, gpt, PMBR, zfs_member"]),
)


@settings(max_examples=2000, deadline=None)
@given(st.lists(_DISKS, max_size=4), st.text(max_size=200), st.sampled_from([BTRFS, DIR]))
def test_whatever_disks_there_are_only_an_empty_one_is_taken(
    there: list[Device], asked: str, backend: Backend
):
    pool = WantedPool("local", backend.name, devices=tuple(asked.split()))
    view = replace(VIEW, devices={pool.devices: tuple(there)})

    found = devices.choice(view, pool, backend, frozenset())

    assert not isinstance(found, Device) or not (found.use or found.holds)
    assert not isinstance(found, Status) or len(found.message) <= STATUS_LIMIT


_TYPED = st.one_of(
    st.text(max_size=60),
    st.from_regex(r"(/dev/[\w/*?\[\]. -]{1,12}[ ,]?){1,3}", fullmatch=True),
    st.from_regex(r"\d{1,4}(GiB|MB|B|)", fullmatch=True),
    st.from_regex(
        r"\{?[a-z-]{1,6}: ?(zfs|dir|btrfs|\[\]|\{(backend|size|devices|config): ?"
        r"(btrfs|5GiB|/dev/sd\*|\{[a-z.]{1,8}: ?(true|1|x)\}|)\})[},]?( [a-z]: lvm)?\}?",
        fullmatch=True,
    ),
)


@settings(max_examples=2000, deadline=None)
@given(st.sampled_from(STORAGE), _TYPED)
def test_whatever_is_typed_about_storage_is_refused_in_a_line_or_can_be_used(
    field: str, value: str
):
    line, patterns = "", ()
    try:
        options = Options(**{field: value})  # pyright: ignore[reportArgumentType]
        pools = (options.default_pool, *options.more_pools)
        patterns = tuple(pattern for pool in pools for pattern in pool.devices)
    except ValidationError as error:
        line = explain(error)

    assert len(line) <= STATUS_LIMIT
    paths = tuple(p for p in patterns if not set(p) & set("*?["))
    assert all(device.path.startswith("/dev/") for device in disks.matching(paths))


@pytest.mark.parametrize("value", ["sdb", "/mnt/disk", "/dev/sdb disk2"])
def test_a_path_that_is_not_a_device_is_refused(value: str):
    with pytest.raises(ValidationError) as caught:
        Options(storage_devices=value)

    assert "use paths or globs that begin with /dev/" in explain(caught.value)


def test_the_name_of_a_volume_group_can_be_typed():
    use = "is in volume group ubuntu-vg-of-the-old-installation"
    disk = Device("/dev/nvme0n1", GIB, use=use)
    pool = WantedPool("local", "btrfs", devices=("/dev/nvme0n1",))
    view = replace(VIEW, devices={pool.devices: (disk,)})

    assert (
        str(devices.choice(view, pool, BTRFS, frozenset()))
        == f"blocked: /dev/nvme0n1 {use}: name another"
    )


@pytest.mark.parametrize("path", ["/dev/nvme0n1", "/dev/disk/by-id/wwn-0x5000c500a1b2c3d4"])
def test_the_longest_name_of_a_volume_group_leaves_the_device_and_the_remedy(path: str):
    disk = Device(path, GIB, use=f"is in volume group {'v' * 127}")
    pool = WantedPool("local", "btrfs", devices=(path,))
    view = replace(VIEW, devices={pool.devices: (disk,)})

    refused = str(devices.choice(view, pool, BTRFS, frozenset()))

    assert path[-9:] in refused
    assert refused.endswith("vvv...: name another")


@pytest.mark.parametrize("error", [OSError("gone"), subprocess.TimeoutExpired("wipefs", 60)])
def test_what_cannot_be_read_is_not_taken_for_empty(
    monkeypatch: pytest.MonkeyPatch, error: Exception
):
    def fails(*_: str) -> str:
        raise error

    monkeypatch.setattr(disks, "run", fails)

    assert disks._signatures("/dev/sdb")  # pyright: ignore[reportPrivateUsage]


def test_the_device_of_a_pool_is_never_offered_for_a_wipe():
    app = on_lvm()

    app.options |= {"storage_pool": "other"}
    app.settle()

    for name in app.units:
        assert statuses(app)[name].endswith(f"{OF_LVM.path} is in pool local: name another")


ROOT_DISK = "/dev/disk/by-id/wwn-0x5000c500a1b2c3d4"
DATA_DISK = "/dev/disk/by-id/wwn-0x5002538e40a1b2c3"


def test_the_device_that_can_be_wiped_is_named_before_those_in_use():
    """As in docs/tutorial/maas-primer.md: the glob also names the disk that the machine is on."""
    there = (
        Device(ROOT_DISK, 480 * GIB, use="is in use (Device or resource busy)", node="/dev/sda"),
        Device(f"{ROOT_DISK}-part1", GIB, use="is mounted", node="/dev/sda1"),
        Device(DATA_DISK, 960 * GIB, holds="ext4", node="/dev/sdb"),
    )
    pool = WantedPool("local", "btrfs", devices=("/dev/disk/by-id/wwn-*", "/dev/sdb"))
    view = replace(VIEW, devices={pool.devices: there})

    refusal = str(devices.choice(view, pool, BTRFS, frozenset()))

    assert refusal.endswith(f"{DATA_DISK[-20:]} holds ext4: run wipe-device, or name another")


def sdb_and_sdc(app: ModelApp) -> ModelApp:
    """Each machine has two empty disks."""
    for unit in app.units.values():
        unit.machine.disks = [
            Device(f"/dev/{name}", 20 * GIB, node=f"/dev/{name}") for name in ("sdb", "sdc")
        ]
    return app


@pytest.mark.parametrize("kind", ["disk", "unix-block"])
def test_an_empty_disk_of_an_instance_becomes_no_part_of_a_pool(kind: str):
    assert_sdb_is_kept({"type": kind, "source": "/dev/sdb"})


def test_an_instance_may_name_its_disk_by_its_number():
    """`path` is the place within the container then."""
    assert_sdb_is_kept({"type": "unix-block", "path": "/dev/data", "major": "8", "minor": "16"})


def assert_sdb_is_kept(device: dict[str, str]) -> None:
    """An instance on the first member has this device, which is /dev/sdb."""
    app = sdb_and_sdc(formed(3))
    by_number = Device("/dev/block/8:16", 20 * GIB, node="/dev/sdb")
    app.units["lxd/0"].machine.disks += [by_number]
    by_hand.launch(server(app, "m0"), "vm", devices={"data": device})

    app.options["storage_pools"] = "{fast: {backend: btrfs, devices: /dev/sdb /dev/sdc}}"
    app.settle()

    assert sources(app, "fast") == {"m0": "/dev/sdc", "m1": "/dev/sdb", "m2": "/dev/sdb"}


def test_the_pool_s_disk_is_not_to_be_wiped_under_its_new_name():
    app = renamed_lvm()

    app.options["storage_pools"] = "{fast: {backend: btrfs, devices: /dev/sdc}}"
    app.settle()

    assert statuses(app)["app"] == "blocked: lxd/0: /dev/sdc is in pool local: name another"


def test_an_lxd_that_goes_away_meanwhile_breaks_no_hook(monkeypatch: pytest.MonkeyPatch):
    app = sdb_and_sdc(formed(3))
    ports = app.units["lxd/0"].ports

    def gone() -> tuple[Instance, ...]:
        raise LxdUnreachable("EOF")

    monkeypatch.setattr(ports.lxd.instances, "list", gone)
    selection = ("/dev/sdb",)

    (sdb,) = observed.marked([selection], [selection], {}, "m0", ports)[selection]

    assert sdb.use == "may be in use, LXD does not say"


WHOLE = Device("/dev/sdb", 20 * GIB, holds="gpt", node="/dev/sdb")
SECOND = Device("/dev/sdb2", 10 * GIB, node="/dev/sdb2", disk="/dev/sdb")


def with_fast(app: ModelApp, *disks: Device) -> str:
    """Each machine has these, and the first one is for a new pool. The application's status."""
    for unit in app.units.values():
        unit.machine.disks = list(disks)
    app.options["storage_pools"] = f"{{fast: {{backend: btrfs, devices: {disks[0].path}}}}}"
    app.settle()
    return statuses(app)["app"]


def given_to_vm(path: str) -> ModelApp:
    """A virtual machine on the first member has this device of the machine."""
    app = formed(3)
    data = {"data": {"type": "disk", "source": path}}
    by_hand.launch(server(app, "m0"), "vm", devices=data)
    return app


def test_an_empty_partition_of_an_instance_s_disk_becomes_no_part_of_a_pool():
    """The guest made that partition; the kernel of the machine calls it unused."""
    status = with_fast(given_to_vm("/dev/sdb"), SECOND, WHOLE)

    why = "/dev/sdb2 is on /dev/sdb, which is a disk of default/vm: name another"
    assert status == f"blocked: lxd/0: {why}"


def test_the_disk_of_an_instance_is_never_offered_for_a_wipe():
    status = with_fast(given_to_vm("/dev/sdb"), replace(WHOLE, holds="ext4"))

    assert status == "blocked: lxd/0: /dev/sdb is a disk of default/vm: name another"


def test_a_partition_with_content_of_an_instance_s_disk_is_never_offered_for_a_wipe():
    status = with_fast(given_to_vm("/dev/sdb"), replace(SECOND, holds="ext4"), WHOLE)

    why = "/dev/sdb2 is on /dev/sdb, which is a disk of default/vm: name another"
    assert status == f"blocked: lxd/0: {why}"


def test_a_disk_with_an_instance_s_partition_is_never_offered_for_a_wipe():
    words = ("sdb2 10240 MiB ext4",)
    status = with_fast(given_to_vm("/dev/sdb2"), replace(WHOLE, partitions=words), SECOND)

    why = "/dev/sdb has /dev/sdb2, which is a disk of default/vm: name another"
    assert status == f"blocked: lxd/0: {why}"


PARTITIONED = replace(WHOLE, partitions=("sdb1 20480 MiB LVM2_member",))
PART_OF_LVM = replace(OF_LVM, node="/dev/sdb1", disk="/dev/sdb")


def test_a_disk_with_a_partition_in_a_pool_is_never_offered_for_a_wipe():
    """The kernel calls the partition unused while no volume of the pool is active."""
    app = on_lvm()
    for unit in app.units.values():
        unit.machine.disks = [PART_OF_LVM, PARTITIONED]

    app.options["storage_pools"] = "{fast: {backend: btrfs, devices: /dev/sdb}}"
    app.settle()

    why = "/dev/sdb has /dev/sdb1, which is in pool local: name another"
    assert statuses(app)["lxd/1"] == f"blocked: {why}"


def test_the_same_after_the_disk_has_got_another_name():
    app = renamed_lvm()
    machine = app.units["lxd/0"].machine
    machine.groups = {group: {"/dev/sdc1"} for group in machine.groups}
    part = replace(OF_LVM, path="/dev/sdc1", node="/dev/sdc1", disk="/dev/sdc")
    words = ("sdc1 20480 MiB LVM2_member",)
    disk = replace(WHOLE, path="/dev/sdc", node="/dev/sdc", partitions=words)
    machine.disks = [machine.disks[0], part, disk]

    app.options["storage_pools"] = "{fast: {backend: btrfs, devices: /dev/sdc}}"
    app.settle()

    why = "/dev/sdc has /dev/sdc1, which is in pool local: name another"
    assert statuses(app)["app"] == f"blocked: lxd/0: {why}"
