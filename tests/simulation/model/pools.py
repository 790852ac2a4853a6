"""Storage pools and what they are on, as a daemon makes them.

LXD makes a new file system only on a device that holds none, and takes none off when it deletes a
pool.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fnmatch import fnmatch
from typing import TYPE_CHECKING

from lxd_reading import LxdError
from tests.simulation.model import looks
from view import Device, Pool, Volume

if TYPE_CHECKING:
    from tests.simulation.model.server import Server

SIZE = 20 << 30
"""Bytes of every device."""

DATA = "ext4"
"""What a device holds that is an operator's."""
LEFT = "btrfs"
"""What LXD leaves on one."""
_IN = "pool "


def of_machine() -> dict[str, str]:
    """The devices of a machine, by path what each holds: the first is an operator's."""
    return {"/dev/vdb": DATA, "/dev/vdc": "", "/dev/vdd": "", "/dev/vde": ""}


def devices(server: Server, patterns: tuple[str, ...]) -> tuple[Device, ...]:
    """What the charm sees of them."""
    found = [p for pattern in patterns for p in server.devices if fnmatch(p, pattern)]
    return tuple(_device(path, server.devices[path]) for path in dict.fromkeys(found))


def _device(path: str, holds: str) -> Device:
    use = "is in use" if holds.startswith(_IN) else ""
    return Device(path, SIZE, use, "" if use else holds, (f"uuid of {path}",), path)


def wipe(server: Server, path: str) -> None:
    """Takes everything off a device that nothing uses."""
    holds = server.devices[path]
    if holds.startswith(_IN):
        raise OSError(f"{path} is busy")
    if holds == DATA:
        server.cloud.destroyed_data.append(f"{path} of machine {server.machine}")
    server.devices[path] = ""


def define(server: Server, name: str, driver: str, member: str, source: str) -> None:
    """The first phase: a pool as one member will have it."""
    records = server.records
    known = records.pools.get(name)
    if known is not None and not known.half_made:
        raise LxdError("The storage pool already exists")
    if member not in records.rows:
        raise LxdError(f"Cluster member not found: {member}")
    parts = records.pool_parts.setdefault(name, {})
    if member in parts:
        raise LxdError(f"Storage pool already defined on member {member}")
    parts[member] = source
    records.pools.setdefault(name, Pool(name, driver, "Pending", frozenset()))


def create(server: Server, name: str, driver: str, config: Mapping[str, str]) -> None:
    """The second phase, or all of it on a server alone. All members must be up."""
    records = server.records
    pool = Pool(name, driver, "Created", frozenset(), config)
    if not records.clustered:
        if name in records.pools:
            raise LxdError("The storage pool already exists")
        give(server, name, config.get("source", ""))
        records.pools[name] = pool
        return
    parts = records.pool_parts.get(name, {})
    if missing := {row.name for row in records.members} - set(parts):
        raise LxdError("Pool not defined on nodes: " + ", ".join(sorted(missing)))
    records.pools[name] = replace(pool, status="Errored")
    for row in records.members:
        if not server.hears(row):
            raise LxdError(f"failed to notify peer {row.address}")
        give(server.cloud.servers[row.server], name, parts[row.name])
    records.pools[name] = pool


def finish(server: Server, name: str) -> None:
    """A pool that was made on some members is made on the others, with the keys that it has."""
    pool = server.records.pools.get(name)
    if pool is None or pool.status != "Errored":
        raise LxdError("Storage pool is not in pending state")
    create(server, name, pool.driver, pool.config)


def give(server: Server, pool: str, source: str) -> None:
    """A server's part of a pool: on a device, or without one in a file of its own."""
    if not source or server.devices.get(source) == _IN + pool:
        return
    if server.devices.get(source) != "":
        raise LxdError(f"{source} appears to contain an existing filesystem")
    server.devices[source] = _IN + pool


def leave_devices(server: Server, pool: str = "") -> None:
    """LXD uses the devices of a pool no more, or of all of them."""
    for path, holds in server.devices.items():
        if holds == _IN + pool or (not pool and holds.startswith(_IN)):
            server.devices[path] = LEFT


def delete(server: Server, name: str) -> None:
    """Deletes a pool that nothing uses."""
    records = server.records
    found = next((p for p in looks.pools(server) if p.name == name), None)
    if found is None:
        raise LxdError("Storage pool not found")
    if found.used_by:
        raise LxdError("The storage pool is currently in use")
    members = records.members
    if found.status != "Pending":
        for row in members:
            if not server.hears(row):
                raise LxdError(f"failed to notify peer {row.address}")
    for row in members:
        if found.status != "Pending":
            leave_devices(server.cloud.servers[row.server], name)
    records.pools.pop(name)
    records.pool_parts.pop(name, None)


def update(server: Server, name: str, values: Mapping[str, str]) -> None:
    """Sets some keys of a pool on every member."""
    pool = server.records.pools.get(name)
    if pool is None:
        raise LxdError("Storage pool not found")
    for row in server.records.members:
        if not server.hears(row):
            raise LxdError(f"failed to notify peer {row.address}")
    server.records.pools[name] = replace(pool, config={**pool.config, **values})


def keep_roots(server: Server, pool: str) -> None:
    """Instances whose root disk is on a pool by the default profile say so themselves."""
    roots = server.records.roots
    server.records.relying = {key for key in server.records.relying if roots.get(key) != pool}


def refuse_move(server: Server, root: str) -> None:
    """The default profile's root disk cannot move while an instance has its own from there."""
    records = server.records
    if root and root not in records.pools:
        raise LxdError(f'The "{root}" storage pool doesn\'t exist')
    relying = [key for key in records.relying if key in records.instances]
    if any(records.roots.get(key) not in ("", root) for key in relying):
        raise LxdError("At least one instance relies on this profile's root disk device")


def keep_on(server: Server, key: str, pool: str, name: str) -> None:
    """LXD keeps what `key` is about on a volume of its own, or on none."""
    if pool:
        if pool not in server.records.pools:
            raise LxdError("Storage pool not found")
        volume = Volume("default", pool, name, server.name)
        server.records.volumes["default", pool, name, server.name] = volume
    server.config[key] = f"{pool}/{name}" if pool else ""


def drop_volume(server: Server, pool: str, name: str) -> None:
    """A volume goes that LXD does not use."""
    if f"{pool}/{name}" in server.config.values():
        raise LxdError("The storage volume is still in use")
    server.records.volumes.pop(("default", pool, name, server.name), None)
