# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Pools through LXD's API: a refusal or a failure of LXD is an error in all generations."""

from __future__ import annotations

from typing import Any

import pytest

from lxd.api import LxdApi
from lxd.errors import LxdError, LxdUnreachable
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


def test_a_part_that_a_member_cannot_mount_is_unavailable(servers: list[Server], lxd: LxdApi):
    lxd.pools.create("fast", "dir", {}, each(servers))
    servers[1].unmounted.add("fast")

    assert lxd.pools.part("fast", "m0").available
    assert not lxd.pools.part("fast", "m1").available
    with pytest.raises(LxdError):
        lxd.pools.part("deleted", "m0")


def test_a_pool_that_does_not_answer_is_an_error(servers: list[Server], lxd: LxdApi):
    lxd.pools.create("fast", "dir", {}, each(servers))
    faulty(servers[0], "GET /1.0/storage-pools/NAME", "timeout")

    with pytest.raises(LxdUnreachable):
        lxd.pools.part("fast", "m0")


_MADE_BY_LXD = "{}/storage-pools/fast", "{}/disks/fast.img"
_LXD_FOLDERS = "/var/snap/lxd/common/lxd", "/var/lib/lxd", "/srv/lxd"


@pytest.mark.parametrize("made", _MADE_BY_LXD)
@pytest.mark.parametrize("folder", _LXD_FOLDERS)
def test_what_lxd_makes_in_its_own_folder_is_on_no_device(
    servers: list[Server], lxd: LxdApi, folder: str, made: str
):
    own: dict[str, Any] = {s.name: {"source": made.format(folder)} for s in servers}
    lxd.pools.create("fast", "dir", {}, own)

    assert lxd.pools.part("fast", "m0").given == ""


ENDS_LIKE_LXDS_OWN = "/mnt/nfs/storage-pools/fast", "/srv/disks/fast.img"
"""An operator's own: with LXD's folders in place of these, a pool's removal would wipe them."""


@pytest.mark.parametrize("given", [DISK, "tank", "/srv/disks/other.img", *ENDS_LIKE_LXDS_OWN])
def test_a_given_source_is_shown(servers: list[Server], lxd: LxdApi, given: str):
    own: dict[str, Any] = {server.name: {"source": given} for server in servers}
    lxd.pools.create("fast", "dir", {}, own)

    assert lxd.pools.part("fast", "m0").given == given


def test_a_pool_in_a_ceph_is_not_on_a_device(servers: list[Server], lxd: LxdApi):
    for server in servers:
        server.drivers |= {"ceph"}
    lxd.pools.create("shared", "ceph", {}, {server.name: {"source": "osd"} for server in servers})

    assert lxd.pools.part("shared", "m0").given == ""


def test_a_request_that_was_given_up_is_waited_for(servers: list[Server], lxd: LxdApi):
    faulty(servers[0], "DELETE /1.0/storage-pools/NAME", "lost")
    lxd.pools.create("fast", "dir", {}, each(servers))
    with pytest.raises(LxdUnreachable):
        lxd.pools.delete("fast")

    lxd.pools.await_changes("fast")

    assert lxd.pools.list() == ()
