# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Storage pools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.lxd_model import pools
from tests.lxd_model.api import used_by
from tests.lxd_model.api.call import Answer, Call, Change, Handler, change, make
from tests.lxd_model.api.etag import check, etag
from tests.lxd_model.pools import OWN_KEYS
from tests.lxd_model.refusal import Refusal, bad

if TYPE_CHECKING:
    from tests.lxd_model.things import Pool

PATH = "/1.0/storage-pools"


def _as_json(call: Call, pool: Pool, member: str = "") -> dict[str, Any]:
    """A pool, with the own keys of the named member, or of the only one."""
    records = call.records
    config = dict(pool.config)
    status = pool.status
    if member or not records.clustered:
        config.update(pool.members.get(member or "none", {}))
    if member and pool.status != "Pending":
        # The local status (LocalStatus of 5.0 to 6.9): the pool's own does not count.
        status = "Created" if member in pool.made else "Pending"
    if member in pool.made and _unmounted(call, member, pool.name):
        status = "Unavailable"
    users = used_by.of_pool(records, pool)
    return {
        "name": pool.name,
        "description": pool.description,
        "driver": pool.driver,
        "status": status,
        "config": config,
        "used_by": users or (None if not call.server.generation.modern else []),
        "locations": list(pool.members) if records.clustered else ["none"],
    }


def _unmounted(call: Call, member: str, pool: str) -> bool:
    return pool in call.server.cloud.servers[call.records.rows[member].server].unmounted


def get_all(call: Call) -> Answer:
    """GET /1.0/storage-pools."""
    rows = call.records.pools.values()
    if not call.recursive:
        return Answer([used_by.url("storage-pools", pool.name) for pool in rows])
    return Answer([_as_json(call, pool) for pool in rows])


def get(call: Call) -> Answer:
    """GET /1.0/storage-pools/NAME. 5.0 answers without an ETag."""
    member = call.forwarded()
    pool = pools.find(call.server, call.names[0])
    found = _as_json(call, pool, member)
    tag = etag(pool.name, pool.driver, found["config"]) if call.server.generation.modern else ""
    return Answer(found, tag)


def _url(call: Call, name: str) -> str:
    del call
    return used_by.url("storage-pools", name)


def post(call: Call) -> Answer:
    """POST /1.0/storage-pools: for one member it only defines it, without a target it makes it."""
    body, server = call.body, call.server
    name, driver, config = body.get("name"), body.get("driver"), call.config
    if not name:
        raise bad("No name provided")
    if "/" in name:
        raise bad("Storage pool names may not contain slashes")
    if not driver:
        raise bad("No driver provided")
    member = call.target
    for key in config:
        if member and key not in OWN_KEYS:
            raise Refusal(f'Config key "{key}" may not be used as member-specific key')
    pools.validate(server, driver)
    what = Change("Creating storage pool", _url(call, name), made=True)
    if not member:
        work = pools.making(server, name, driver, config)
        return make(call, what, work, server.generation.storage_operations)

    def define() -> None:
        pools.define(server, name, driver, member, config)

    return change(call, what, define, server.generation.storage_operations)


def _update(call: Call, *, replaces: bool) -> Answer:
    server, member = call.server, call.forwarded()
    pool = pools.find(server, call.names[0])
    config = call.config
    if not member and pool.half_made:
        raise bad("Cannot update storage pool global config when not in created state")
    now = _as_json(call, pool, member)["config"]
    check(call, etag(pool.name, pool.driver, now))
    for key, value in config.items():
        if call.records.clustered and not member and key in OWN_KEYS:
            raise bad(f'Config key "{key}" is cluster member specific')
        if member and key not in OWN_KEYS and now.get(key) != value:
            raise bad(f'Config key "{key}" may not be used as cluster member specific key')

    def effect() -> None:
        if member:
            own = {k: v for k, v in config.items() if k in OWN_KEYS}
            pools.update_member(server, pool.name, member, own)
        else:
            shared = config if replaces else {**pools.find(server, pool.name).config, **config}
            pools.update(server, pool.name, shared, call.body.get("description", ""))

    what = Change("Updating storage pool", _url(call, pool.name))
    return change(call, what, effect, server.generation.storage_operations)


def patch(call: Call) -> Answer:
    """PATCH /1.0/storage-pools/NAME."""
    return _update(call, replaces=False)


def put(call: Call) -> Answer:
    """PUT /1.0/storage-pools/NAME."""
    return _update(call, replaces=True)


def delete(call: Call) -> Answer:
    """DELETE /1.0/storage-pools/NAME."""
    server, name = call.server, call.names[0]
    pools.find(server, name)
    what = Change("Deleting storage pool", _url(call, name))
    effect = lambda: pools.delete(server, name)  # noqa: E731
    return change(call, what, effect, server.generation.storage_operations)


def resources(call: Call) -> Answer:
    """GET /1.0/storage-pools/NAME/resources."""
    pools.find(call.server, call.names[0])
    space = {"used": 1 << 30, "total": pools.SIZE}
    return Answer({"space": space, "inodes": {"used": 1, "total": 1 << 20}})


ROUTES: dict[str, dict[str, Handler]] = {
    PATH: {"GET": get_all, "POST": post},
    f"{PATH}/NAME": {"GET": get, "PATCH": patch, "PUT": put, "DELETE": delete},
    f"{PATH}/NAME/resources": {"GET": resources},
}
