# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The answers of LXD's API as the charm's own values."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from state.cluster import Member, Network, Pool, Server
from state.lxd_objects import AUTOSTART_BEFORE, Bucket, Image, Instance
from values import lxd_urls
from values.lxd_booleans import is_true
from values.numbers import whole

LAST_STATE, AUTOSTART = "volatile.last_state.power", "boot.autostart"
GROUP = "volatile.cluster.group"
"""The cluster group that an instance was placed in (5.21 and later)."""
_DOWN = frozenset({"STOPPED", "ERROR"})
"""Statuses of an instance without processes, as far as LXD knows (isRunningStatusCode).

A container may be STOPPING or FREEZING for long, if its disk hangs. LXD 5.21 and later kill it when
they move it, and do not start it again.
"""
_SHUTDOWN = 30
"""LXD's own timeout for an instance to shut down, in seconds, without `boot.host_shutdown_timeout`.
"""


@dataclass(frozen=True)
class LxdWarning:
    """A member's warning about an object in LXD."""

    type: str
    member: str
    project: str
    name: str
    """The object's name, empty if it is about the server."""
    message: str
    resolved: bool


def server(info: Any) -> Server:
    """GET /1.0."""
    environment = info["environment"]
    return Server(
        version=environment["server_version"],
        clustered=environment["server_clustered"],
        name=environment["server_name"],
        fingerprint=environment["certificate_fingerprint"],
        drivers=frozenset(d["Name"] for d in environment["storage_supported_drivers"]),
        config={key: str(value) for key, value in info["config"].items()},
        extensions=_extensions(tuple(info["api_extensions"])),
        process=int(environment.get("server_pid", 0)),
    )


@lru_cache(maxsize=4)
def _extensions(names: tuple[str, ...]) -> frozenset[str]:
    """Cached: there are hundreds, the same in each answer until LXD is exchanged."""
    return frozenset(names)


@lru_cache(maxsize=128)
def _host(url: str) -> str:
    """Cached: a member's address does not change."""
    return urlsplit(url).hostname or ""


def member(row: Any) -> Member:
    """A row of /1.0/cluster/members."""
    config: dict[str, str] = row.get("config") or {}
    return Member(
        name=row["server_name"],
        address=_host(str(row["url"])),
        status=row["status"].upper(),
        roles=frozenset(row["roles"] or ()),
        failure_domain=row["failure_domain"],
        message=row["message"],
        architecture=row.get("architecture", ""),
        groups=frozenset(row.get("groups") or ()),
        scheduler=config.get("scheduler.instance", ""),
    )


def ran_last(row: dict[str, Any]) -> bool:
    """Whether an instance runs, or ran when LXD last stopped it or lost it."""
    config: dict[str, str] = row.get("expanded_config") or {}
    return config.get(LAST_STATE) == "RUNNING"


def autostart(row: dict[str, Any]) -> bool:
    """Whether LXD starts an instance whenever its daemon starts."""
    config: dict[str, str] = row.get("expanded_config") or {}
    return is_true(config.get(AUTOSTART, ""))


def instance(row: Any) -> Instance:
    """A row of /1.0/instances."""
    # LXD leaves both out if they are empty, and for instances of a member that does not answer.
    config: dict[str, str] = row.get("expanded_config") or {}
    status = str(row["status"]).upper()
    running = status not in _DOWN
    seconds = whole(config.get("boot.host_shutdown_timeout", ""))
    placement = config.get("placement.group", "")
    return Instance(
        project=row["project"],
        name=row["name"],
        location=row["location"],
        evacuate=config.get("cluster.evacuate") or "auto",
        running=running,
        unknown=status == "ERROR",
        type=row.get("type") or "container",
        ephemeral=bool(row.get("ephemeral")),
        architecture=row.get("architecture", ""),
        group="" if placement else config.get(GROUP, ""),
        placement=placement,
        stateful=is_true(config.get("migration.stateful", "")),
        stopped_by_lxd=not running and ran_last(row),
        starts=autostart(row) or not config.get(AUTOSTART),
        autostart=autostart(row),
        protected=is_true(config.get("security.protection.start", "")),
        undeletable=is_true(config.get("security.protection.delete", "")),
        kept_stopped=AUTOSTART_BEFORE in config,
        shutdown=_SHUTDOWN if seconds is None else seconds,
        devices=row.get("expanded_devices") or {},
    )


def bucket(row: Any, pool: str) -> Bucket:
    """A row of /1.0/storage-pools/POOL/buckets."""
    return Bucket(row.get("project", "default"), pool, row["name"], row.get("location", ""))


def image(row: Any, project: str) -> Image:
    """A row of /1.0/images."""
    aliases = [str(alias["name"]) for alias in row.get("aliases") or ()]
    alias = min(aliases, default="")
    return Image(project, row["fingerprint"], alias, bool(row.get("cached")))


def _used_by(row: Any) -> frozenset[str]:
    return frozenset(row["used_by"] or ())


def pool(row: Any) -> Pool:
    """A row of /1.0/storage-pools."""
    return Pool(row["name"], row["driver"], row["status"], _used_by(row), row["config"] or {})


def network(row: Any) -> Network:
    """A row of /1.0/networks."""
    return Network(row["name"], row["type"], row["status"], row["config"], _used_by(row))


def warning(row: Any) -> LxdWarning:
    """A row of /1.0/warnings."""
    return LxdWarning(
        type=row["type"],
        member=row["location"],
        project=row["project"],
        name=lxd_urls.read(str(row["entity_url"])).name,
        message=row["last_message"],
        resolved=row["status"] == "resolved",
    )
