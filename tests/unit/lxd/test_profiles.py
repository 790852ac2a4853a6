# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The default profile through LXD's API."""

from __future__ import annotations

import pytest

from lxd.api import LxdApi
from lxd.errors import LxdError
from tests.lxd_model import by_hand
from tests.lxd_model.generations import NAMES
from tests.lxd_model.server import Server
from tests.unit.lxd_servers import clustered, each

ROOT = {"type": "disk", "path": "/", "pool": "fast"}


@pytest.fixture(params=NAMES)
def servers(request: pytest.FixtureRequest) -> list[Server]:
    """Three members with a pool."""
    servers = clustered(request.param)
    LxdApi(servers[0].lxd).pools.create("fast", "dir", {}, each(servers))
    return servers


def test_the_default_profile_is_read_and_replaced(servers: list[Server]):
    lxd = LxdApi(servers[0].lxd)
    before = lxd.profiles.default()

    lxd.profiles.set_default({**before, "devices": {"root": ROOT}})

    assert before == {"config": {}, "description": "Default LXD profile", "devices": {}}
    assert LxdApi(servers[1].lxd).profiles.default() == {**before, "devices": {"root": ROOT}}
    assert lxd.pools.list()[0].used_by == {"/1.0/profiles/default"}


def test_a_profile_that_lxd_does_not_take_is_an_error(servers: list[Server]):
    lxd = LxdApi(servers[0].lxd)
    before = lxd.profiles.default()

    with pytest.raises(LxdError, match="slow"):
        lxd.profiles.set_default({**before, "devices": {"root": {**ROOT, "pool": "slow"}}})

    assert lxd.profiles.default() == before


def test_a_root_disk_that_instances_rely_on_stays(servers: list[Server]):
    lxd = LxdApi(servers[0].lxd)
    profile = {**lxd.profiles.default(), "devices": {"root": ROOT}}
    lxd.profiles.set_default(profile)
    lxd.pools.create("slow", "dir", {}, each(servers))
    by_hand.launch(servers[1], "c1")

    with pytest.raises(LxdError, match="relies"):
        lxd.profiles.set_default({**profile, "devices": {"root": {**ROOT, "pool": "slow"}}})

    assert lxd.profiles.default() == profile


@pytest.mark.parametrize("name", ["é", "a?b", "a b"])
def test_what_uses_the_profile_may_have_any_name(servers: list[Server], name: str):
    lxd = LxdApi(servers[0].lxd)
    lxd.profiles.set_default({**lxd.profiles.default(), "devices": {"root": ROOT}})
    by_hand.launch(servers[1], name)

    lxd.pools.pin_root_disks("fast")

    assert servers[0].records.instances["default", name].devices == {"root": ROOT}
