# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Custom volumes through LXD's API: those of users, and those that LXD itself uses."""

from __future__ import annotations

import pytest

from lxd.api import LxdApi
from lxd.errors import LxdError
from lxd.http import Request
from state.lxd_objects import Volume
from tests.lxd_model import by_hand
from tests.lxd_model.generations import NAMES
from tests.lxd_model.server import Server
from tests.unit.lxd_servers import clustered, each, faulty

IMAGES = "storage.images_volume"


@pytest.fixture(params=NAMES)
def servers(request: pytest.FixtureRequest) -> list[Server]:
    """Three members, each with its own pool, and one shared pool."""
    servers = clustered(request.param)
    for server in servers:
        server.drivers |= {"ceph"}
    for name, driver in (("fast", "dir"), ("shared", "ceph")):
        LxdApi(servers[0].lxd).pools.create(name, driver, {}, each(servers))
    return servers


def test_the_volumes_of_all_projects_and_members_are_listed(servers: list[Server]):
    by_hand.add_project(servers[0], "blue", {"features.storage.volumes": "true"})
    by_hand.add_project(servers[0], "red", {"features.storage.volumes": "false"})
    by_hand.add_volume(servers[1], "fast", "data")
    by_hand.add_volume(servers[2], "fast", "data", "blue")

    assert set(LxdApi(servers[0].lxd).volumes.list()) == {
        Volume("default", "fast", "data", "m1"),
        Volume("blue", "fast", "data", "m2"),
    }


def test_what_all_members_have_is_on_none_of_them(servers: list[Server]):
    path, body = "/1.0/storage-pools/shared/volumes/custom", {"name": "data"}
    servers[0].lxd.send(Request("POST", path, body=body), 5)
    servers[0].cloud.now += 1
    servers[0].cloud.tick()

    assert servers[0].records.volumes
    assert LxdApi(servers[0].lxd).volumes.list() == ()


def test_lxd_keeps_its_images_on_a_volume_of_each_member(servers: list[Server]):
    for server in servers[:2]:
        LxdApi(server.lxd).volumes.keep_on(IMAGES, "fast", "images")
        # Twice has the same result as once.
        LxdApi(server.lxd).volumes.keep_on(IMAGES, "fast", "images")

    found = [LxdApi(server.lxd).server.get().config.get(IMAGES) for server in servers]
    assert found == ["fast/images", "fast/images", None]
    assert {v.location for v in LxdApi(servers[2].lxd).volumes.list()} == {"m0", "m1"}


def test_lxd_keeps_them_in_its_folder_again(servers: list[Server]):
    lxd = LxdApi(servers[0].lxd)
    lxd.volumes.keep_on(IMAGES, "fast", "images")

    lxd.volumes.keep_on(IMAGES, "", "")

    assert IMAGES not in lxd.server.get().config
    assert lxd.volumes.list() == (Volume("default", "fast", "images", "m0"),)


def test_a_volume_that_cannot_be_made_is_an_error(servers: list[Server]):
    lxd = LxdApi(servers[0].lxd)
    faulty(servers[0], "POST /1.0/storage-pools/NAME/volumes/custom", "refuse")

    with pytest.raises(LxdError):
        lxd.volumes.keep_on(IMAGES, "fast", "images")

    assert IMAGES not in lxd.server.get().config


def test_a_member_drops_its_own_volume_alone(servers: list[Server]):
    for server in servers[:2]:
        by_hand.add_volume(server, "fast", "images")

    for _ in range(2):
        LxdApi(servers[0].lxd).volumes.drop("fast", "images")

    assert [v.location for v in LxdApi(servers[0].lxd).volumes.list()] == ["m1"]


def test_a_volume_that_lxd_uses_is_not_dropped(servers: list[Server]):
    lxd = LxdApi(servers[0].lxd)
    lxd.volumes.keep_on(IMAGES, "fast", "images")

    with pytest.raises(LxdError, match="in use"):
        lxd.volumes.drop("fast", "images")

    assert [v.location for v in lxd.volumes.list()] == ["m0"]
