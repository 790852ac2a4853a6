# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""An operator's own values stay when the charm changes its keys."""

from __future__ import annotations

from typing import Any

import pytest

from lab.bench.bench import Bench
from lxd.api import LxdApi
from lxd.client import Client
from lxd.socket import LxdSocket
from tests.bench import raw

WORDS = {"description": "rack 3", "user.owner": "storage team"}
OBJECTS = {
    "network": f"/1.0/networks/{raw.NETWORK}",
    "pool": f"/1.0/storage-pools/{raw.POOL}",
    "instance": "/1.0/instances/c1",
}


@pytest.mark.long
def test_the_charms_changes_leave_an_operators_words(ground: Bench):
    node = raw.formed(ground, 1)[0]
    client = Client(LxdSocket(str(node.socket)))
    instance = {"name": "c1", "source": {"type": "image", "alias": raw.IMAGE}}
    client.change("POST", "/1.0/instances", instance, seconds=120)
    for path in OBJECTS.values():
        client.change("PUT", path, _described(client.get(path)))

    lxd = LxdApi(LxdSocket(str(node.socket)))
    lxd.networks.update(raw.NETWORK, {"ipv4.nat": "true"}, {"m0": {}})
    lxd.pools.update(raw.POOL, {"user.marked": "yes"})
    lxd.pools.pin_root_disks(raw.POOL)

    kept = {name: _words(client.get(path)) for name, path in OBJECTS.items()}
    assert kept == dict.fromkeys(OBJECTS, WORDS)


def _described(found: dict[str, Any]) -> dict[str, Any]:
    config = found["config"] | {"user.owner": WORDS["user.owner"]}
    more = {key: found[key] for key in ("devices", "profiles", "architecture") if key in found}
    return more | {"config": config, "description": WORDS["description"]}


def _words(found: dict[str, Any]) -> dict[str, str]:
    return {
        "description": found["description"],
        "user.owner": found["config"].get("user.owner", ""),
    }
