# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""An operator's description stays when the charm changes keys of the same object."""

from __future__ import annotations

import pytest

from lxd.api import LxdApi
from lxd.client import Client
from lxd.errors import LxdError
from tests.lxd_model import by_hand
from tests.lxd_model.server import Server
from tests.unit.lxd_servers import each

WORDS = "rack 3"


@pytest.fixture
def client(servers: list[Server]) -> Client:
    return Client(servers[0].lxd)


def describe(client: Client, path: str) -> None:
    """An operator gives an object a description."""
    found = client.get(path)
    body = {key: found[key] for key in ("config", "devices", "profiles") if key in found}
    client.change("PUT", path, {**body, "description": WORDS})


def test_the_description_of_a_network(servers: list[Server], client: Client):
    lxd = LxdApi(client.port)
    lxd.networks.create("br0", "bridge", {}, each(servers))
    describe(client, "/1.0/networks/br0")

    lxd.networks.update("br0", {"ipv4.nat": "true"}, {})

    found = client.get("/1.0/networks/br0")
    assert (found["description"], found["config"]["ipv4.nat"]) == (WORDS, "true")


def test_the_description_of_a_pool(servers: list[Server], client: Client):
    lxd = LxdApi(client.port)
    lxd.pools.create("p", "dir", {}, each(servers))
    describe(client, "/1.0/storage-pools/p")

    lxd.pools.update("p", {"user.marked": "yes"})

    found = client.get("/1.0/storage-pools/p")
    assert (found["description"], found["config"]["user.marked"]) == (WORDS, "yes")


def test_the_description_of_a_pool_in_a_ceph_that_is_not_deleted(
    servers: list[Server], client: Client
):
    """Before LXD refuses the deletion, the charm sets a key of the pool."""
    lxd = LxdApi(client.port)
    for server in servers:
        server.drivers |= {"ceph"}
    lxd.pools.create("p", "ceph", {"volatile.pool.pristine": "true"}, each(servers))
    describe(client, "/1.0/storage-pools/p")
    by_hand.add_volume(servers[0], "p", "data")

    with pytest.raises(LxdError):
        lxd.pools.delete("p")

    assert client.get("/1.0/storage-pools/p")["description"] == WORDS


def test_the_description_of_an_instance(servers: list[Server], client: Client):
    lxd = LxdApi(client.port)
    lxd.pools.create("p", "dir", {}, each(servers))
    root = {"type": "disk", "path": "/", "pool": "p"}
    lxd.profiles.set_default({"config": {}, "description": "", "devices": {"root": root}})
    by_hand.launch(servers[0], "c1")
    describe(client, "/1.0/instances/c1")

    lxd.pools.pin_root_disks("p")

    found = client.get("/1.0/instances/c1")
    assert (found["description"], found["devices"]) == (WORDS, {"root": root})
