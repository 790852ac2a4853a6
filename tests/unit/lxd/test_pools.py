# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Pools through LXD's API: a refusal or a failure of LXD is an error in all generations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lxd import pools
from lxd.api import LxdApi
from lxd.errors import LxdError, LxdUnreachable
from lxd.pools import PoolsApi
from state.cluster import Pool
from tests.lxd_model import by_hand
from tests.lxd_model.cloud import Fault
from tests.lxd_model.generations import NAMES
from tests.lxd_model.server import Server
from tests.unit.lxd_servers import alone, clustered, each, faulty

DISK = "/dev/no/such/disk"


@pytest.fixture(params=NAMES)
def servers(request: pytest.FixtureRequest) -> list[Server]:
    """Three members without a pool."""
    return with_disk(clustered(request.param))


def with_disk(servers: list[Server]) -> list[Server]:
    """Their machines have an empty disk."""
    for server in servers:
        server.devices[DISK] = ""
    return servers


def test_a_pool_is_made_on_all_members(servers: list[Server], lxd: LxdApi):
    own = {server.name: {"source": DISK} for server in servers}

    lxd.pools.create("fast", "btrfs", {"btrfs.mount_options": "noatime"}, own)

    config = {"btrfs.mount_options": "noatime"}
    assert lxd.pools.list() == (Pool("fast", "btrfs", "Created", frozenset(), config),)
    assert [server.devices[DISK] for server in servers] == ["pool fast"] * 3


@pytest.mark.parametrize("generation", NAMES)
def test_a_server_alone_makes_it_itself(generation: str):
    (server,) = with_disk(alone(generation))
    lxd = LxdApi(server.lxd)

    lxd.pools.create("local", "btrfs", {"source": DISK}, {})

    assert lxd.pools.list()[0].status == "Created"
    assert server.devices[DISK] == "pool local"


def test_a_pool_that_one_member_cannot_make_is_an_error(servers: list[Server], lxd: LxdApi):
    servers[2].devices[DISK] = "ext4"

    with pytest.raises(LxdError, match="existing filesystem"):
        lxd.pools.create("fast", "btrfs", {}, {s.name: {"source": DISK} for s in servers})

    (made,) = lxd.pools.list()
    assert (made.errored, made.half_made) == (True, True)


def test_a_pool_that_cannot_even_be_defined_is_an_error(lxd: LxdApi, servers: list[Server]):
    with pytest.raises(LxdError):
        lxd.pools.create("fast", "zfs", {}, each(servers))

    assert lxd.pools.list() == ()


def test_before_it_is_made_somebody_may_object(servers: list[Server], lxd: LxdApi):
    def objects() -> None:
        raise LxdUnreachable("m3 is joining")

    with pytest.raises(LxdUnreachable, match="m3"):
        lxd.pools.create("fast", "dir", {}, each(servers), objects)

    (defined,) = lxd.pools.list()
    assert (defined.half_made, defined.errored) == (True, False)


def test_what_some_members_made_is_finished(servers: list[Server], lxd: LxdApi):
    servers[2].devices[DISK] = "ext4"
    with pytest.raises(LxdError):
        lxd.pools.create(
            "fast",
            "btrfs",
            {"btrfs.mount_options": "noatime"},
            {s.name: {"source": DISK} for s in servers},
        )
    servers[2].devices[DISK] = ""

    lxd.pools.finish("fast")

    (made,) = lxd.pools.list()
    assert not made.half_made
    assert made.config == {"btrfs.mount_options": "noatime"}


def test_what_cannot_be_finished_is_an_error(servers: list[Server], lxd: LxdApi):
    lxd.pools.create("fast", "dir", {}, each(servers))

    with pytest.raises(LxdError):
        lxd.pools.finish("fast")
    with pytest.raises(LxdError, match="not found"):
        lxd.pools.finish("slow")


def test_a_pool_that_holds_nothing_is_deleted(servers: list[Server], lxd: LxdApi):
    lxd.pools.create("fast", "dir", {}, each(servers))

    lxd.pools.delete("fast")

    assert lxd.pools.list() == ()
    with pytest.raises(LxdError) as gone:
        lxd.pools.delete("fast")
    assert gone.value.not_found


@pytest.mark.parametrize("member", [0, 1])
def test_a_pool_that_is_used_is_not_deleted(member: int, servers: list[Server], lxd: LxdApi):
    lxd.pools.create("fast", "dir", {}, each(servers))
    by_hand.add_volume(servers[member], "fast", "data")

    with pytest.raises(LxdError):
        lxd.pools.delete("fast")

    (there,) = lxd.pools.list()
    assert there.users == [f"/1.0/storage-pools/fast/volumes/custom/data?target=m{member}"]


def with_ceph(servers: list[Server]) -> list[Server]:
    for server in servers:
        server.drivers |= {"ceph"}
    return servers


PRISTINE = {"ceph.osd.pool_name": "lxd-shared", "volatile.pool.pristine": "true"}


def test_a_pool_in_a_ceph_is_given_up_by_lxd_before_it_is_deleted(
    servers: list[Server], lxd: LxdApi
):
    lxd.pools.create("shared", "ceph", PRISTINE, each(with_ceph(servers)))
    found: list[str] = []

    def asked(_: str, call: str) -> Fault:
        if call.startswith("DELETE"):
            found.append(servers[0].records.pools["shared"].config["volatile.pool.pristine"])
        return ""

    servers[0].cloud.fault = asked

    lxd.pools.delete("shared")

    assert found == ["false"]
    assert lxd.pools.list() == ()


def test_one_that_is_half_made_in_a_ceph_is_not_deleted(servers: list[Server], lxd: LxdApi):
    def dies() -> None:
        servers[2].kill_daemon()

    with pytest.raises(LxdError):
        lxd.pools.create("shared", "ceph", PRISTINE, each(with_ceph(servers)), dies)

    with pytest.raises(LxdError, match="half made in Ceph"):
        lxd.pools.delete("shared")


def test_keys_of_a_pool_are_set_and_the_others_stay(servers: list[Server], lxd: LxdApi):
    lxd.pools.create("fast", "btrfs", {"user.size": "5GiB"}, each(servers))

    lxd.pools.update("fast", {"btrfs.mount_options": "noatime"})

    (pool,) = lxd.pools.list()
    assert pool.config == {"user.size": "5GiB", "btrfs.mount_options": "noatime"}


def test_keys_that_cannot_be_set_now_are_an_error(servers: list[Server], lxd: LxdApi):
    lxd.pools.create("fast", "btrfs", {}, each(servers))
    servers[1].kill_daemon()

    with pytest.raises(LxdError):
        lxd.pools.update("fast", {"btrfs.mount_options": "noatime"})

    assert lxd.pools.list()[0].config == {}


def test_instances_keep_the_root_disk_that_they_have(servers: list[Server], lxd: LxdApi):
    root = {"type": "disk", "path": "/", "pool": "fast"}
    lxd.pools.create("fast", "dir", {}, each(servers))
    lxd.pools.create("slow", "dir", {}, each(servers))
    lxd.profiles.set_default({"config": {}, "description": "", "devices": {"root": root}})
    by_hand.launch(servers[1], "follows")
    by_hand.launch(servers[1], "own", devices={"root": {**root, "size": "5GiB"}})

    lxd.pools.pin_root_disks("fast")
    lxd.pools.pin_root_disks("slow")

    instances = servers[0].records.instances
    assert instances["default", "follows"].devices == {"root": root}
    assert instances["default", "own"].devices == {"root": {**root, "size": "5GiB"}}


def test_a_pool_that_a_member_cannot_use_is_named(servers: list[Server], lxd: LxdApi):
    lxd.pools.create("fast", "dir", {}, each(servers))
    servers[1].unmounted.add("fast")

    assert lxd.pools.parts(["fast"], "m0")[0] == {}
    assert lxd.pools.parts(["fast"], "m1")[0] == {"fast": "LXD cannot mount it"}
    assert lxd.pools.parts(["deleted"], "m0")[0] == {}


def test_a_pool_whose_device_is_gone_is_named(servers: list[Server], lxd: LxdApi):
    own: dict[str, Any] = {server.name: {"source": DISK} for server in servers}
    lxd.pools.create("fast", "dir", {}, own)

    assert lxd.pools.parts(["fast"], "m0")[0] == {"fast": f"{DISK} is gone"}


class _Noted:
    """What LXD itself says of a member's part of a pool: its source replaces the device's name."""

    def __init__(self, driver: str, source: str, status: str) -> None:
        self.config = {"source": source, "volatile.initial_source": "/dev/nvme1n1"}
        self._part = {"name": "fast", "driver": driver, "status": status, "config": self.config}

    def get(self, path: str, query: object = None, seconds: object = None) -> object:
        return self._part


_ID = "7d1a0c4e-0000-4000-8000-000000000001"
_PARTS = [
    ("btrfs", _ID, "Created", "its disk is gone (was /dev/nvme1n1)"),
    ("btrfs", _ID, "Unavailable", "its disk is gone (was /dev/nvme1n1)"),
    ("btrfs", "plugged-in", "Created", None),
    ("zfs", "fast", "Unavailable", "LXD cannot mount it (was /dev/nvme1n1)"),
    ("lvm", "fast", "Unavailable", "LXD cannot mount it (was /dev/nvme1n1)"),
    ("lvm", "fast", "Created", None),
]


@pytest.mark.parametrize(("driver", "source", "status", "why"), _PARTS)
def test_the_device_that_a_pool_was_made_on_is_named(
    driver: str, source: str, status: str, why: str | None, links: Path
):
    part = PoolsApi(_Noted(driver, links.name if source == "plugged-in" else source, status))  # pyright: ignore[reportArgumentType]

    assert part.parts(["fast"], "m0")[0].get("fast") == why
    assert len(f"pool fast is not here: {why}; bring it back") < 80


@pytest.fixture
def zpools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The kernel's folders of imported zpools: only `tank` is imported."""
    monkeypatch.setattr(pools, "_ZPOOLS", tmp_path / "zfs")
    (tmp_path / "zfs" / "tank").mkdir(parents=True)
    return tmp_path / "zfs"


_EXPORTED = "its zpool was exported (was /dev/nvme1n1)"
_DATASETS = [
    ("zfs", "tank", None),
    ("zfs", "tank/lxd", None),
    ("zfs", "fast", _EXPORTED),
    ("zfs", "fast/lxd", _EXPORTED),
    ("zfs", "", None),
    ("lvm", "fast", None),
]


def _on_dataset(driver: str, dataset: str, status: str = "Created") -> PoolsApi:
    noted = _Noted(driver, dataset, status)
    noted.config["zfs.pool_name"] = dataset
    return PoolsApi(noted)  # pyright: ignore[reportArgumentType]


@pytest.mark.usefixtures("zpools")
@pytest.mark.parametrize(("driver", "dataset", "why"), _DATASETS)
def test_a_zpool_that_somebody_exported_is_named(driver: str, dataset: str, why: str | None):
    """LXD calls it created until its daemon starts again: no instance on it starts meanwhile."""
    assert _on_dataset(driver, dataset).parts(["fast"], "m0")[0].get("fast") == why
    assert len(f"pool fast is not here: {why}; bring it back") < 80


def test_an_exported_zpool_is_not_known_without_the_kernels_module(zpools: Path):
    (zpools / "tank").rmdir()
    zpools.rmdir()

    assert _on_dataset("zfs", "fast").parts(["fast"], "m0")[0] == {}


@pytest.mark.usefixtures("zpools")
def test_lxds_own_word_about_an_exported_zpool_comes_first():
    found = _on_dataset("zfs", "fast", "Unavailable").parts(["fast"], "m0")[0]

    assert found == {"fast": "LXD cannot mount it (was /dev/nvme1n1)"}


def test_a_disk_without_a_link_is_not_gone_where_nobody_makes_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(pools, "_BY_UUID", tmp_path / "none")

    part = PoolsApi(_Noted("btrfs", _ID, "Created"))  # pyright: ignore[reportArgumentType]

    assert part.parts(["fast"], "m0")[0] == {}


@pytest.fixture
def links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The link of a disk that is plugged in, among the links of this machine."""
    monkeypatch.setattr(pools, "_BY_UUID", tmp_path)
    link = tmp_path / "7d1a0c4e-0000-4000-8000-000000000002"
    link.touch()
    return link


def test_a_pool_that_does_not_answer_does_not_mean_that_lxd_does_not(
    servers: list[Server], lxd: LxdApi
):
    lxd.pools.create("fast", "dir", {}, each(servers))
    faulty(servers[0], "GET /1.0/storage-pools/NAME", "timeout")

    assert lxd.pools.parts(["fast"], "m0")[0] == {"fast": "it does not answer"}


_MADE_BY_LXD = "{}/storage-pools/fast", "{}/disks/fast.img"
_LXD_FOLDERS = "/var/snap/lxd/common/lxd", "/var/lib/lxd", "/srv/lxd"


@pytest.mark.parametrize("made", _MADE_BY_LXD)
@pytest.mark.parametrize("folder", _LXD_FOLDERS)
def test_what_lxd_makes_in_its_own_folder_is_on_no_device(
    servers: list[Server], lxd: LxdApi, folder: str, made: str
):
    own: dict[str, Any] = {s.name: {"source": made.format(folder)} for s in servers}
    lxd.pools.create("fast", "dir", {}, own)

    assert lxd.pools.parts(["fast"], "m0")[1] == {}


ENDS_LIKE_LXDS_OWN = "/mnt/nfs/storage-pools/fast", "/srv/disks/fast.img"
"""An operator's own: with LXD's folders in place of these, a pool's removal would wipe them."""


@pytest.mark.parametrize("given", [DISK, "tank", "/srv/disks/other.img", *ENDS_LIKE_LXDS_OWN])
def test_a_given_source_is_shown(servers: list[Server], lxd: LxdApi, given: str):
    own: dict[str, Any] = {server.name: {"source": given} for server in servers}
    lxd.pools.create("fast", "dir", {}, own)

    assert lxd.pools.parts(["fast"], "m0")[1] == {"fast": given}


def test_a_pool_in_a_ceph_is_not_on_a_device(servers: list[Server], lxd: LxdApi):
    for server in servers:
        server.drivers |= {"ceph"}
    lxd.pools.create("shared", "ceph", {}, {server.name: {"source": "osd"} for server in servers})

    assert lxd.pools.parts(["shared"], "m0")[1] == {}


def test_a_request_that_was_given_up_is_waited_for(servers: list[Server], lxd: LxdApi):
    faulty(servers[0], "DELETE /1.0/storage-pools/NAME", "lost")
    lxd.pools.create("fast", "dir", {}, each(servers))
    with pytest.raises(LxdUnreachable):
        lxd.pools.delete("fast")

    lxd.pools.await_changes("fast")

    assert lxd.pools.list() == ()
