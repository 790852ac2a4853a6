# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Custom volumes and buckets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from tests.lxd_model import pools
from tests.lxd_model.api import used_by
from tests.lxd_model.api.call import EMPTY, Answer, Call, Change, Handler, change
from tests.lxd_model.refusal import Refusal, bad, not_found
from tests.lxd_model.things import DEFAULT, Bucket, Volume, is_true

if TYPE_CHECKING:
    from tests.lxd_model.server import Server

PATH = "/1.0/storage-pools/NAME/volumes/custom"
_Stored = TypeVar("_Stored", Volume, Bucket)


def volume_project(server: Server, project: str) -> str:
    """The project that has the volumes of a project. Raises Refusal."""
    found = server.records.projects.get(project)
    if found is None:
        raise Refusal("Project not found", 404)
    own = project == DEFAULT or is_true(found.config.get("features.storage.volumes", ""))
    return project if own else DEFAULT


def _as_json(server: Server, volume: Volume) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": volume.name,
        "description": volume.description,
        "type": "custom",
        "content_type": "filesystem",
        "project": volume.project,
        "location": volume.location,
        "created_at": "0001-01-01T00:00:00Z",
        "config": dict(volume.config),
        "used_by": [],
    }
    if server.generation.modern:
        found["pool"] = volume.pool
    return found


def _rows(call: Call, volumes: list[Volume]) -> Answer:
    if call.recursive:
        return Answer([_as_json(call.server, v) for v in volumes])
    return Answer([_url(v) for v in volumes])


def _url(volume: Volume) -> str:
    parts = ("storage-pools", volume.pool, "volumes", "custom", volume.name)
    return used_by.url(*parts, project=volume.project, target=volume.location)


def _of_pool(call: Call, stored: Iterable[_Stored]) -> list[_Stored]:
    """Those of them in the pool and the project of the call, or in all projects if it says so."""
    pool = pools.find(call.server, call.names[0])
    project = volume_project(call.server, call.project)
    everywhere = call.query.get("all-projects") == "true"
    return [s for s in stored if s.pool == pool.name and (everywhere or s.project == project)]


def get_all(call: Call) -> Answer:
    """GET /1.0/storage-pools/NAME/volumes/custom."""
    return _rows(call, _of_pool(call, call.records.volumes.values()))


def get_everywhere(call: Call) -> Answer:
    """GET /1.0/storage-volumes: of all pools."""
    if "storage_volumes_all" not in call.server.generation.has:
        raise Refusal("not found", 404)
    asked = call.query.get("all-projects") == "true"
    project = volume_project(call.server, call.project)
    found = [v for v in call.records.volumes.values() if asked or v.project == project]
    return _rows(call, found)


def post(call: Call) -> Answer:
    """POST /1.0/storage-pools/NAME/volumes/custom."""
    server, body = call.server, call.body
    pool = pools.find(server, call.names[0])
    project = volume_project(server, call.project)
    if not body.get("name"):
        raise bad("No name provided")
    remote = pool.driver in pools.REMOTE
    place = "" if remote else call.forwarded() or server.place
    config = call.config
    volume = Volume(project, pool.name, body["name"], place, config, body.get("description", ""))
    if pool.half_made:
        raise bad("Pool is not in created state")

    def effect() -> None:
        if volume.key in server.records.volumes:
            raise Refusal("Volume by that name already exists", 409)
        server.records.volumes[volume.key] = volume
        _machine(server, place).disk[str(volume)] = volume

    return change(
        call,
        Change(
            "Creating storage volume",
            f"/1.0/storage-pools/{pool.name}/volumes/custom/{volume.name}",
        ),
        effect,
        server.generation.profile_operations,
    )


def _machine(server: Server, place: str) -> Server:
    row = server.records.rows.get(place)
    return server.cloud.servers[row.server] if row is not None else server


def _find(call: Call) -> Volume:
    """The volume of a name on the member that is asked, or the only volume of that name."""
    pool = pools.find(call.server, call.names[0])
    project = volume_project(call.server, call.project)
    member = call.forwarded()
    found = [
        v
        for v in call.records.volumes.values()
        if (v.project, v.pool, v.name) == (project, pool.name, call.names[1])
        and (not member or v.location in ("", member))
    ]
    if not found:
        raise not_found("Storage volume")
    if len(found) > 1:
        raise Refusal("More than one cluster member has a volume named " + f'"{call.names[1]}"')
    return found[0]


def get(call: Call) -> Answer:
    """GET /1.0/storage-pools/NAME/volumes/custom/VOLUME."""
    return Answer(_as_json(call.server, _find(call)))


def delete(call: Call) -> Answer:
    """DELETE /1.0/storage-pools/NAME/volumes/custom/VOLUME, unless its daemon uses it."""
    server = call.server
    volume = _find(call)
    there = _machine(server, volume.location)

    def effect() -> None:
        if f"{volume.pool}/{volume.name}" in there.config.values():
            raise Refusal("The storage volume is still in use", 400)
        server.records.volumes.pop(volume.key, None)
        there.disk.pop(str(volume), None)

    what = Change("Deleting storage volume", _url(volume))
    return change(call, what, effect, server.generation.profile_operations)


def put(call: Call) -> Answer:
    """PUT /1.0/storage-pools/NAME/volumes/custom/VOLUME."""
    server, volume = call.server, _find(call)
    changed = replace(
        volume,
        config=call.config,
        description=call.body.get("description", ""),
    )

    def effect() -> None:
        server.records.volumes[volume.key] = changed

    what = Change("Updating storage volume", _url(volume))
    return change(call, what, effect, server.generation.profile_operations)


def get_buckets(call: Call) -> Answer:
    """GET /1.0/storage-pools/NAME/buckets."""
    if "storage_buckets" not in call.server.generation.has:
        raise Refusal("not found", 404)
    buckets = _of_pool(call, call.records.buckets.values())
    if not call.recursive:
        return Answer([used_by.url("storage-pools", b.pool, "buckets", b.name) for b in buckets])
    return Answer([_bucket(b) for b in buckets])


def _bucket(bucket: Bucket) -> dict[str, Any]:
    return {
        "name": bucket.name,
        "description": "",
        "s3_url": "",
        "location": bucket.location,
        "project": bucket.project,
        "config": EMPTY,
    }


ROUTES: dict[str, dict[str, Handler]] = {
    PATH: {"GET": get_all, "POST": post},
    f"{PATH}/VOLUME": {"GET": get, "PUT": put, "DELETE": delete},
    "/1.0/storage-volumes": {"GET": get_everywhere},
    "/1.0/storage-pools/NAME/buckets": {"GET": get_buckets},
}
