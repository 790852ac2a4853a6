# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Buckets, images and projects through LXD's API: LXD 5.0 has no buckets."""

from __future__ import annotations

import pytest

from lxd.api import LxdApi
from lxd.errors import LxdError
from state.lxd_objects import Bucket, Image
from tests.lxd_model import by_hand
from tests.lxd_model.generations import NAMES
from tests.lxd_model.server import Server
from tests.unit.lxd_servers import clustered, each, faulty


@pytest.fixture(params=NAMES)
def servers(request: pytest.FixtureRequest) -> list[Server]:
    """Three members with a pool."""
    servers = clustered(request.param)
    LxdApi(servers[0].lxd).pools.create("fast", "dir", {}, each(servers))
    return servers


def test_buckets_are_listed_where_lxd_has_them(servers: list[Server], lxd: LxdApi):
    by_hand.add_bucket(servers[1], "fast", "data")

    found = lxd.buckets.list(lxd.server.get().extensions)

    there = (Bucket("default", "fast", "data", "m1"),)
    assert found == (there if servers[0].generation.modern else ())


def test_buckets_that_cannot_be_listed_are_an_error(servers: list[Server], lxd: LxdApi):
    faulty(servers[0], "GET /1.0/storage-pools/NAME/buckets", "refuse")
    extensions = lxd.server.get().extensions

    if servers[0].generation.modern:
        with pytest.raises(LxdError):
            lxd.buckets.list(extensions)
    else:
        assert lxd.buckets.list(extensions) == ()


def test_the_images_of_all_projects_are_listed(servers: list[Server], lxd: LxdApi):
    by_hand.add_project(servers[0], "red", {"features.images": "false"})
    by_hand.add_image(servers[1], "f00d")

    assert lxd.images.list() == (Image("default", "f00d"),)


def test_images_are_copied_to_as_many_members_as_the_option_says(
    servers: list[Server], lxd: LxdApi
):
    lxd.images.copy_to(1)
    by_hand.add_image(servers[1], "f00d")

    lxd.images.copy_to(2)
    assert len(servers[0].records.images["f00d"].copies) == 2

    lxd.images.copy_to(-1)
    assert servers[0].records.images["f00d"].copies == {"m0", "m1", "m2"}


def test_which_groups_a_restricted_project_may_use(servers: list[Server], lxd: LxdApi):
    groups = "restricted.cluster.groups"
    by_hand.add_project(servers[0], "free", {groups: "a"})
    by_hand.add_project(servers[0], "bound", {"restricted": "true", groups: "a, b"})
    by_hand.add_project(servers[0], "anywhere", {"restricted": "true"})

    assert lxd.projects.allowed_groups() == {"bound": frozenset({"a", "b"})}
    assert lxd.projects.having("profiles") == ["default", "free", "bound", "anywhere"]
