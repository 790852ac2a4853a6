# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The charm changes its own keys only: what an operator has set on an object stays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lxd.client import Client
from tests.unit.model_units import ModelApp
from tests.unit.operations import changes
from tests.unit.operations.changes import Begun, ended
from tests.unit.scenarios import names, server, the_cluster

WORDS = "rack 3"
MINE = {"user.mine": WORDS}
CHANGES = [
    change
    for change in changes.CHANGES
    # Before there is a cluster, or where a member is down, nothing can be set.
    if not change.__name__.startswith(("installing", "removing", "off_a_dead"))
]


def mark(client: Client, path: str, **more: Any) -> None:
    """An operator describes an object, and sets a key of it."""
    found = client.get(path)
    fields = [name for name in _WRITABLE if name in found]
    body = {name: found[name] for name in fields} | {"description": WORDS} | more
    client.change("PUT", path, {**body, "config": {**found.get("config", {}), **MINE}})


_WRITABLE = ("config", "devices", "profiles", "failure_domain", "groups", "roles", "ephemeral")


def marked(app: ModelApp) -> list[str]:
    """Paths of all objects that operators may have set keys of."""
    records = the_cluster(app)
    paths = [f"/1.0/networks/{name}" for name in records.networks]
    paths += [f"/1.0/storage-pools/{name}" for name in records.pools]
    paths += [f"/1.0/cluster/members/{name}" for name in names(app)]
    paths += [f"/1.0/instances/{i.name}" for i in records.instances.values()]
    return [*paths, "/1.0/profiles/default", "/1.0/projects/default"]


def marks(client: Client, paths: list[str]) -> dict[str, Any]:
    """What is left of the operator's values."""
    found = {path: client.get(path) for path in paths}
    own = {
        path: (row["description"], row["config"].get("user.mine")) for path, row in found.items()
    }
    devices = found["/1.0/profiles/default"]["devices"]
    kept = {name: devices[name].get("limits.ingress") for name in ("eth0",) if name in devices}
    return {**own, "root": devices["root"]["size"], "eth0": kept, "data": devices["data"]}


@pytest.mark.parametrize("begin", CHANGES)
def test_what_an_operator_set_stays(begin: Callable[[], Begun]):
    app, unit = begin()
    client = Client(server(app, "m0").lxd)
    paths = marked(app)
    profile = client.get("/1.0/profiles/default")["devices"]
    devices = {name: {**device, "limits.ingress": "1Gbit"} for name, device in profile.items()}
    devices["root"] = {**profile["root"], "size": "20GiB"}
    devices["data"] = {"type": "disk", "path": "/data", "source": "/srv"}
    for path in paths:
        more = {"devices": devices} if path.endswith("profiles/default") else {}
        mark(client, path, **more)
    client.change("PATCH", "/1.0", {"config": MINE})
    before = marks(client, paths)
    assert before["root"] == "20GiB"

    app.hook(unit)
    ended(app)

    paths = [path for path in paths if path in marked(app)]
    after = marks(client, paths)
    assert after == {key: value for key, value in before.items() if key in after}
    assert client.get("/1.0")["config"]["user.mine"] == WORDS
