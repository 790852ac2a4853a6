# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Storage pools."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import backends
import deadlines
from lxd import parsing, profiles
from lxd.client import Client
from lxd.errors import LxdError
from lxd.http import api_path
from state.cluster import Pool

_POOLS = api_path("storage-pools")
_OWN_SOURCES = ("storage-pools/{}", "disks/{}.img")
"""Sources that LXD makes itself in its own folder, by a pool's name. An operator's folder may end
like that, too.
"""
_OWN_FOLDER = "lxd"
"""The last part of LXD's own folder, /var/snap/lxd/common/lxd for the snap and /var/lib/lxd for a
deb, which a pool that came from there still names.
"""
_OWN = "volatile.pool.pristine"
"""Key of a pool in a Ceph: LXD found nothing of another LXD there when it made the pool."""


_NAMES = ("lvm.vg_name", "zfs.pool_name", "source")
"""Keys of a part: the volume group, the zpool or its dataset, or the UUID of a file system."""


@dataclass(frozen=True)
class PoolSource:
    """What a member's part of a pool is on.

    `given` is a device, a folder, a zpool or a volume group, as it was called when the part was
    made; empty in LXD's own folder. `present` is the zpool, the volume group or the UUID by which
    LXD finds it: the device may have another name since a reboot.
    """

    given: str
    present: str


@dataclass(frozen=True)
class PoolPart:
    """A member's part of a pool.

    `given` is as in `PoolSource`. LXD finds the part by `source`: a device, or the UUID of a btrfs.
    `device` is the device's name when the part was made, empty if it was not made on a device.
    `dataset` is a zpool, or a dataset in one. LXD calls a part unavailable if its last try to mount
    it failed.
    """

    driver: str
    available: bool
    given: str
    source: str
    device: str
    dataset: str


def _nothing() -> None:
    """No check before a pool is made."""


class PoolsApi:
    """/1.0/storage-pools."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def list(self) -> tuple[Pool, ...]:
        """The storage pools."""
        rows = self._client.get(_POOLS, {"recursion": "1"}, deadlines.LIST)
        return tuple(parsing.pool(row) for row in rows)

    def create(
        self,
        name: str,
        driver: str,
        config: Mapping[str, str],
        members: Mapping[str, Mapping[str, str]],
        ready: Callable[[], None] = _nothing,
    ) -> None:
        """Creates a pool: defined on each member, then made on all.

        `ready` is called in between, and may raise. Without members it is made on this server.
        """
        for member, keys in members.items():
            body = {"name": name, "driver": driver, "config": dict(keys)}
            self._client.change("POST", _POOLS, body, {"target": member})
        ready()
        body = {"name": name, "driver": driver, "config": dict(config)}
        self._client.change("POST", _POOLS, body, seconds=deadlines.POOL)

    def await_changes(self, name: str) -> None:
        """Returns once no operation runs on a pool."""
        self._client.await_changes(api_path("storage-pools", name), deadlines.POOL)

    def finish(self, name: str) -> None:
        """Makes a pool on the members that have not made it yet.

        LXD has kept its keys, and refuses to get them again.
        """
        driver = self._get(name)["driver"]
        body: dict[str, Any] = {"name": name, "driver": driver, "config": {}}
        self._client.change("POST", _POOLS, body, seconds=deadlines.POOL)

    def delete(self, name: str) -> None:
        """Deletes a pool. LXD refuses it while the pool holds more than images.

        If LXD treats an OSD pool in a Ceph as its own, it deletes it there as well, with everything
        in it, or fails if its key does not allow that. So the charm first sets the key by which the
        OSD pool is not its own; for a half made pool that is not possible. Raises LxdError.
        """
        pool = self._get(name)
        path = api_path("storage-pools", name)
        if pool["config"].get(_OWN) == "true":
            if pool["status"].upper() != "CREATED":
                raise LxdError(f"{name} is half made in Ceph: it can only be finished")
            self._client.set_keys(path, {"config": {_OWN: "false"}})
        self._client.change("DELETE", path, seconds=deadlines.POOL)

    def update(self, name: str, values: Mapping[str, str]) -> None:
        """Sets some keys of a pool's configuration on every member."""
        self._client.set_keys(api_path("storage-pools", name), {"config": dict(values)})

    def pin_root_disks(self, pool: str) -> None:
        """Gives instances their own root disk if they have the default profile's on `pool`.

        LXD does not move a profile's root disk to another pool while an instance uses it.
        """
        root = {"type": "disk", "path": "/", "pool": pool}
        profiles.keep(self._client, lambda devices: _with_keys(devices, root))

    def part(self, pool: str, member: str) -> PoolPart:
        """A member's part of a pool. `member` is empty outside a cluster.

        Raises LxdError if the pool was deleted, LxdUnreachable: a device that hangs does not mean
        that LXD hangs.
        """
        found = self._get(pool, {"target": member} if member else {})
        config: Mapping[str, str] = found["config"]
        first = config.get("volatile.initial_source", "")
        return PoolPart(
            driver=found["driver"],
            available=found["status"].upper() != "UNAVAILABLE",
            given=_given_source(found),
            source=config.get("source", ""),
            device=first if first.startswith("/dev/") else "",
            dataset=config.get("zfs.pool_name", ""),
        )

    def source(self, pool: str, member: str) -> PoolSource:
        """What a member's part of a pool was made on, and what LXD finds it by now.

        Raises LxdError, LxdUnreachable.
        """
        part = self._get(pool, {"target": member} if member else {})
        config: Mapping[str, str] = part["config"]
        present = next((config[key] for key in _NAMES if config.get(key)), "")
        return PoolSource(_given_source(part), present.partition("/")[0] or present)

    def unmade_sources(self, name: str, members: Iterable[str]) -> dict[str, str]:
        """By member that has not made its part of a pool yet: the given source that LXD keeps.

        Raises LxdError, LxdUnreachable.
        """
        parts = {member: self._get(name, {"target": member}) for member in members}
        unmade = {m: part for m, part in parts.items() if part["status"].upper() != "CREATED"}
        return {member: _given_source(part) for member, part in unmade.items()}

    def given_sources(self, name: str, members: Iterable[str]) -> dict[str, str]:
        """By member: the given source of its part of a pool, empty in LXD's own folder.

        Raises LxdError, LxdUnreachable.
        """
        return {member: _given_source(self._get(name, {"target": member})) for member in members}

    def _get(self, name: str, query: Mapping[str, str] | None = None) -> Any:
        return self._client.get(api_path("storage-pools", name), query or {})


def _with_keys(devices: profiles.Devices, keys: Mapping[str, str]) -> profiles.Devices:
    return {name: d for name, d in devices.items() if keys.items() <= d.items()}


def _given_source(pool: Any) -> str:
    """The given source of a part of a pool, empty if LXD made the part in its own folder.

    A shared pool has one source for all members, so no member has a source of its own. LXD keeps
    the given source beside its own name for it, which may be a UUID.
    """
    if not backends.is_local(pool["driver"]):
        return ""
    config: Mapping[str, str] = pool["config"]
    source = config.get("volatile.initial_source") or config.get("source", "")
    own = tuple(f"/{_OWN_FOLDER}/{end.format(pool['name'])}" for end in _OWN_SOURCES)
    return "" if source.endswith(own) else source
