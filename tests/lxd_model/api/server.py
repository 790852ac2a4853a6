# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""LXD itself: GET / and /1.0, and its configuration."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from state.facts import Folder
from tests.lxd_model import certificates, keys, membership, pools
from tests.lxd_model.api.call import EMPTY, Answer, Call
from tests.lxd_model.api.etag import check, etag
from tests.lxd_model.generations import generation
from tests.lxd_model.listeners import CLUSTER, CORE
from tests.lxd_model.refusal import Refusal, bad

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.lxd_model.server import Server

_VOLUMES = ("storage.backups_volume", "storage.images_volume")
_DEFAULTS = {
    "cluster.healing_threshold": "0",
    "cluster.images_minimal_replica": "3",
    "cluster.max_standby": "2",
    "cluster.max_voters": "3",
    "cluster.offline_threshold": "20",
    "core.shutdown_timeout": "5",
    "images.auto_update_interval": "6",
}
_LOWEST = 10
"""`cluster.offline_threshold` must be greater than this."""


def root(call: Call) -> Answer:
    """GET /."""
    del call
    return Answer(["/1.0"])


def get(call: Call) -> Answer:
    """GET /1.0: without its database a daemon answers from memory."""
    server = call.server
    config = shown_config(server)
    answer = {
        **_base(server.generation.name),
        "config": config,
        "environment": _environment(server),
    }
    return Answer(answer, etag(config))


def shown_config(server: Server) -> dict[str, str]:
    """The keys in a server's answer."""
    config = {**server.remembers, **server.config}
    if server.generation.newest:
        config["volatile.uuid"] = server.records.uuid
    return config


@cache
def _base(name: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "api_extensions": generation(name).extensions,
        "api_status": "stable",
        "api_version": "1.0",
        "auth": "trusted",
        "auth_methods": ["tls", "bearer"] if generation(name).newest else ["tls"],
        "public": False,
    }
    if generation(name).modern:
        found |= {"auth_user_method": "unix", "auth_user_name": "root", "client_certificate": False}
    return found


def _environment(server: Server) -> dict[str, Any]:
    clustered = server.records.clustered
    name = server.name if clustered else server.hostname
    found = {
        "addresses": [core] if (core := server.config.get(CORE)) else [],
        "architectures": ["x86_64", "i686"],
        "certificate": certificates.pem(server.shows),
        "certificate_fingerprint": certificates.fingerprint(server.shows),
        "driver": "lxc",
        "firewall": "nftables",
        "kernel": "Linux",
        "kernel_architecture": "x86_64",
        "project": "default",
        "server": "lxd",
        "server_clustered": clustered,
        "server_event_mode": "full-mesh",
        "server_name": server.shown_name or name,
        "server_pid": 1000 + server.run,
        "server_version": server.version,
        "storage": "",
        "storage_version": "",
        "storage_supported_drivers": [
            {"Name": name, "Version": "1", "Remote": name in pools.REMOTE}
            for name in sorted(server.drivers)
        ],
    }
    if server.generation.modern:
        found["server_lts"] = not server.generation.newest
    return found


def patch(call: Call) -> Answer:
    """PATCH /1.0: an empty value removes a key."""
    check(call, etag(shown_config(call.server)))
    _set(call.server, call.config)
    return Answer(EMPTY)


def put(call: Call) -> Answer:
    """PUT /1.0: removes keys that are not named."""
    check(call, etag(shown_config(call.server)))
    before = {**call.records.config, **call.server.config}
    wanted: Mapping[str, str] = call.config
    kept = {k: v for k, v in wanted.items() if not k.startswith("volatile.")}
    _set(call.server, {**dict.fromkeys(before, ""), **kept})
    return Answer(EMPTY)


def _set(server: Server, values: Mapping[str, str]) -> None:
    """Local keys first, as in LXD. 5.0 keeps them even if LXD cannot listen there."""
    _validate(server, values)
    before = server.config.get(CLUSTER, "")
    if server.records.clustered and values.get(CLUSTER, before) != before:
        raise Refusal("Changing cluster.https_address is currently not supported")
    for key in _VOLUMES:
        if values.get(key):
            _has_volume(server, key, values[key])
    own = keys.local_keys(server.generation.name)
    local = {k: str(v) for k, v in values.items() if k in own}
    shared = {k: str(v) for k, v in values.items() if k not in own}
    changed = {k for k, v in local.items() if server.config.get(k, "") != v}
    own_before, shared_before = server.config, server.records.config
    server.config = _merged(server.config, local)
    server.records.config = _merged(server.records.config, shared)
    _tell(server)
    if "cluster.images_minimal_replica" in shared and server.records.clustered:
        membership.sync_images(server)
    try:
        if CORE in changed:
            server.listeners.set_core(local[CORE])
        if CLUSTER in changed:
            server.listeners.set_cluster(local[CLUSTER])
        for key in sorted(changed & set(_VOLUMES)):
            _move(server, key.partition(".")[2].partition("_")[0], local[key])
    except Refusal:
        if server.generation.modern:
            server.config, server.records.config = own_before, shared_before
        raise


def _move(server: Server, kind: str, to: str) -> None:
    """If it fails half way, LXD leaves a link to the volume, and the rest in its old place.

    LXD 6.9 makes no link. See `host.daemon_folders`.
    """
    links = "daemon_storage_per_project" not in server.generation.extensions
    if to.partition("/")[0] in server.full:
        server.folders[kind] = Folder(to, cut_short=True) if links else Folder("", filled=True)
        where = "/var/snap/lxd/common/lxd/storage-pools/{}/custom/default_{}".format(*to.split("/"))
        raise Refusal(f'Failed to move data over to directory "{where}": no space left on device')
    server.folders[kind] = Folder(to) if links else Folder("", filled=not to)


def _merged(config: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
    """Values that are the default are in no list."""
    found = {**config, **values}
    return {key: value for key, value in found.items() if value and value != _DEFAULTS.get(key)}


def _tell(server: Server) -> None:
    """Members that answer have the keys in memory from now on. LXD ignores the others."""
    records = server.records
    server.remembers = dict(records.config)
    for row in records.members:
        if row.name != server.name and server.hears(row):
            server.cloud.servers[row.server].remembers = dict(records.config)


def _has_volume(server: Server, key: str, value: str) -> None:
    pool, _, name = value.partition("/")
    places = (server.place, "")
    if not any(("default", pool, name, p) in server.records.volumes for p in places):
        why = f'Unable to load storage volume "{value}": Storage volume not found'
        raise Refusal(f'Failed validation of "{key}": {why}')


def _validate(server: Server, values: Mapping[str, str]) -> None:
    modern = server.generation.modern
    known = keys.known_keys(server.generation.name, "server")
    for key, value in values.items():
        problem = ""
        if key not in known and not key.startswith("user."):
            problem = "Unknown key" if modern else "unknown key"
        elif key == "cluster.offline_threshold" and value and not _is_long(str(value)):
            least = f"{_LOWEST}" if modern else f"'{_LOWEST}'"
            problem = f"Value must be greater than {least}"
        if problem and modern:
            raise bad(f'Cannot set "{key}" to "{value}": {problem}')
        if problem:
            raise bad(f"cannot set '{key}' to '{value}': {problem}")


def _is_long(value: str) -> bool:
    return value.isdigit() and int(value) > _LOWEST


def configuration(call: Call) -> Answer:
    """GET /1.0/metadata/configuration."""
    generation = call.server.generation
    if "metadata_configuration" not in generation.has:
        raise Refusal("not found", 404)
    return Answer(_configuration(generation.name))


@cache
def _configuration(name: str) -> dict[str, Any]:
    configs: dict[str, Any] = {}
    for entity, keys_of in keys.descriptions(name).items():
        described = [{key: {"longdesc": "", **about}} for key, about in keys_of.items()]
        configs[entity] = {"common": {"keys": described}}
    return {"configs": configs, "entities": {}}
