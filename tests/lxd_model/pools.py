# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Storage pools and their devices, as a daemon makes them.

LXD makes a new file system only on an empty device, and does not erase the device when it deletes a
pool.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fnmatch import fnmatch
from typing import TYPE_CHECKING

from state.facts import Device
from tests.lxd_model import cephfs, heartbeats, peers, times
from tests.lxd_model.refusal import Refusal, bad, not_found
from tests.lxd_model.things import NO_CONFIG, Config, Pool

if TYPE_CHECKING:
    from tests.lxd_model.joining import JoinRequest
    from tests.lxd_model.operations import Work
    from tests.lxd_model.records import Records
    from tests.lxd_model.server import Server

SIZE = 20 << 30
"""Bytes of every device."""

DATA = "ext4"
"""The content of a device with an operator's data."""
LEFT = "btrfs"
"""What LXD leaves on a device."""
IN_POOL = "pool "
"""The prefix of the content of a device with a pool; the pool's name follows."""
_FOLDER = "/var/snap/lxd/common/lxd/storage-pools"

OWN_KEYS = (
    "source",
    "volatile.initial_source",
    "size",
    "zfs.pool_name",
    "lvm.thinpool_name",
    "lvm.vg_name",
)
"""Keys that each member has for itself."""
DRIVERS = ("btrfs", "dir")
"""The drivers of the model's machines, unless they are changed."""
REMOTE = ("alletra", "ceph", "cephfs", "cephobject", "powerflex", "powerstore", "pure")
"""Drivers whose content all members have."""


def of_machine() -> dict[str, str]:
    """The devices of a machine, by path the content of each: the first is an operator's."""
    return {"/dev/vdb": DATA, "/dev/vdc": "", "/dev/vdd": "", "/dev/vde": ""}


def devices(server: Server, patterns: tuple[str, ...]) -> tuple[Device, ...]:
    """The charm's view of them."""
    found = [p for pattern in patterns for p in server.devices if fnmatch(p, pattern)]
    return tuple(_device(path, server.devices[path]) for path in dict.fromkeys(found))


def uuid_of(path: str) -> str:
    """The UUID of the file system that LXD makes on a device."""
    return f"uuid of {path.replace('/', '-')}"


def _device(path: str, holds: str) -> Device:
    use = "is in use" if holds.startswith(IN_POOL) else ""
    return Device(path, SIZE, use, "" if use else holds, (uuid_of(path),), path)


def wipe(server: Server, path: str) -> None:
    """Erases an unused device."""
    holds = server.devices[path]
    if holds.startswith(IN_POOL):
        raise OSError(f"{path} is busy")
    if holds == DATA:
        server.cloud.destroyed_data.append(f"{path} of machine {server.machine}")
    server.devices[path] = ""


def find(server: Server, name: str) -> Pool:
    """A pool by its name. Raises Refusal."""
    pool = server.records.pools.get(name)
    if pool is None:
        raise not_found("Storage pool")
    return pool


def validate(server: Server, driver: str) -> None:
    """Refuses a driver that this machine does not have."""
    if driver in server.drivers:
        return
    fails = "Failed running" if server.generation.newest else "Failed to run"
    if driver == "zfs":
        run = 'modprobe -b zfs: exec: "modprobe": executable file not found in $PATH'
        raise bad(f'Error loading "zfs" module: {fails}: {run}')
    raise bad(f'Required tool "{driver}" is missing')


def define(server: Server, name: str, driver: str, member: str, own: Config) -> None:
    """The first phase: a pool as one member will have it. No other member is asked."""
    records = server.records
    pool = records.pools.get(name)
    if member not in records.rows:
        raise not_found("Cluster member")
    if pool is None:
        pool = Pool(name, driver, "Pending", number=server.cloud.count())
    elif pool.driver != driver:
        raise Refusal("Storage pool already exists with a different driver")
    elif pool.status != "Pending":
        raise Refusal("Storage pool is not in pending state")
    if member in pool.members:
        raise bad(f'The storage pool already defined on member "{member}"')
    records.pools[name] = replace(pool, members={**pool.members, member: dict(own)})


def making(server: Server, name: str, driver: str, config: Config) -> Work:
    """The second phase, or everything on a server outside a cluster. All members must be up.

    Like networks: LXD does it to the end for one client (storagePoolCreateLock), and deletes a pool
    at any time.
    """
    while server.makes_pool:
        yield times.REQUEST
    server.makes_pool = True
    try:
        records = server.records
        pool = records.pools.get(name)
        if len(records.members) > 1 or (pool is not None and pool.half_made):
            yield from _making_on_all(server, _begun(server, pool, config))
        else:
            _create_here(server, name, driver, config)
            yield times.NETWORK if records.clustered else times.REQUEST
    finally:
        server.makes_pool = False


def _create_here(server: Server, name: str, driver: str, config: Config) -> None:
    records = server.records
    if name in records.pools:
        raise Refusal("The storage pool already exists")
    own = {key: value for key, value in config.items() if key in OWN_KEYS}
    shared = {key: value for key, value in config.items() if key not in OWN_KEYS}
    if driver == cephfs.DRIVER:
        shared = cephfs.made(server, shared, own)
    give(server, name, own.get("source", ""))
    records.pools[name] = Pool(
        name,
        driver,
        "Created",
        shared,
        {server.place: _own(name, driver, own)},
        frozenset({server.place}),
    )


def _begun(server: Server, pool: Pool | None, config: Config) -> Pool:
    """It is errored until all members have made it."""
    records = server.records
    for key in config:
        if key in OWN_KEYS:
            raise Refusal(f'Config key "{key}" is cluster member specific')
    if pool is None:
        raise Refusal("Pool not pending on any node (use --target <node> first)")
    if not pool.half_made:
        raise Refusal("The storage pool is already created")
    if missing := sorted({row.name for row in records.members} - set(pool.members)):
        raise Refusal("Pool not defined on nodes: " + ", ".join(missing))
    config = pool.config if pool.status == "Errored" else dict(config)
    begun = records.pools[pool.name] = replace(pool, status="Errored", config=config)
    return begun


def _making_on_all(server: Server, begun: Pool) -> Work:
    records, name = server.records, begun.name
    _refuse_known_dead(server)
    if begun.driver == cephfs.DRIVER and not begun.made:
        config = cephfs.made(server, begun.config, begun.members[server.name])
        begun = records.pools[name] = replace(begun, config=config)

    def make(there: Server, member: str) -> None:
        if begun.driver == cephfs.DRIVER:
            cephfs.mount(there)
        _make_here(there, name, begun.members[member].get("source", ""))

    def note(there: Server, member: str) -> None:
        pool = _still(records, begun)
        records.pools[name] = replace(pool, made=pool.made | {member})
        there.pool_folders.discard(name)

    def made() -> frozenset[str]:
        return _still(records, begun).made

    yield from peers.make_on_all(server, times.NETWORK, made, make, note)
    pool = _still(records, begun)
    members = {member: _own(name, pool.driver, own) for member, own in pool.members.items()}
    records.pools[name] = replace(pool, status="Created", members=members)
    server.cloud.hollow += [f"{name} on {member}" for member in sorted(pool.gone)]


def _make_here(there: Server, name: str, source: str) -> None:
    if name in there.pool_folders:
        raise Refusal(f'Storage pool directory "{_FOLDER}/{name}" already exists')
    give(there, name, source)
    there.pool_folders.add(name)


def _still(records: Records, begun: Pool) -> Pool:
    """The pool as it is now. Raises Refusal if it is gone."""
    pool = records.pools.get(begun.name)
    if pool is None or pool.number != begun.number:
        raise not_found("Storage pool")
    return pool


def _refuse_known_dead(server: Server) -> None:
    """Before LXD makes anything, it asks for the members that it knows to be offline."""
    records, now = server.records, server.cloud.now
    if any(heartbeats.offline(records, row, now) for row in records.members):
        peers.require_all(server)


def _own(name: str, driver: str, own: Config) -> dict[str, str]:
    """A member's own keys once its part is made."""
    source = own.get("source", "")
    if driver in REMOTE:
        return dict(own)
    if driver == "btrfs" and source.startswith("/dev/"):
        # LXD notes the UUID of the new file system.
        return {**own, "source": uuid_of(source), "volatile.initial_source": source}
    return {**own, "source": source or f"{_FOLDER}/{name}"}


def give(server: Server, pool: str, source: str) -> None:
    """A server's part of a pool: on a device, or by default in its own file."""
    if not source.startswith("/dev/") or source.startswith("/dev/shm/"):
        return
    if server.devices.get(source) == IN_POOL + pool:
        return
    if server.devices.get(source) != "":
        raise Refusal(f"{source} appears to contain an existing filesystem")
    server.devices[source] = IN_POOL + pool


def join(server: Server, records: Records, name: str, request: JoinRequest) -> None:
    """The part of a joining server."""
    pool = records.pools[name]
    own = request.own("storage-pool", name)
    try:
        if pool.driver == cephfs.DRIVER:
            cephfs.mount(server)
        give(server, name, own.get("source", ""))
    except Refusal as refusal:
        modern = server.generation.modern
        begin = "Failed initializing member" if modern else "Failed to initialize member"
        parts = (
            "Failed initializing storage pools and networks"
            if modern
            else "Failed to initialize storage pools and networks"
        )
        create_it = f'Failed to create storage pool "{name}"'
        raise Refusal(f"{begin}: {parts}: {create_it}: {refusal}") from refusal
    records.pools[name] = replace(
        pool,
        members={**pool.members, request.name: _own(name, pool.driver, own)},
        made=pool.made | {request.name},
    )


def take_along(records: Records, name: str) -> None:
    """The server with these pools is the member `name` from now on."""
    for pool in list(records.pools.values()):
        own = next(iter(pool.members.values()), NO_CONFIG)
        records.pools[pool.name] = replace(pool, members={name: own}, made=frozenset({name}))


def leave_devices(server: Server, pool: str = "") -> None:
    """LXD no longer uses the devices of a pool, or of all pools."""
    for path, holds in server.devices.items():
        if holds == IN_POOL + pool or (not pool and holds.startswith(IN_POOL)):
            server.devices[path] = LEFT


def held(records: Records, name: str, member: str) -> tuple[str, str, str]:
    """Something on a pool of a member: its name, type and project. Empty for nothing."""
    for instance in records.instances.values():
        if instance.pool == name and instance.location == member:
            return instance.name, instance.kind, instance.project
    for volume in records.volumes.values():
        if volume.pool == name and volume.location == member:
            return volume.name, "custom", volume.project
    for bucket in records.buckets.values():
        if bucket.pool == name and bucket.location == member:
            return bucket.name, "bucket", bucket.project
    return "", "", ""


def delete(server: Server, name: str) -> None:
    """Deletes a pool that holds nothing, first here, then on the other members.

    Where one of them does not answer LXD keeps the pool and its word that the others have made it
    (seen on 5.21.7; storagePoolDelete of 5.0, 5.21 and 6.9).
    """
    records = server.records
    pool = find(server, name)
    by_profile = any(
        device.get("pool") == name
        for profile in records.profiles.values()
        for device in profile.devices.values()
    )
    if by_profile or held(records, name, server.place)[0]:
        raise bad("The storage pool is currently in use")
    if pool.status != "Pending":
        _refuse_known_dead(server)
        leave_devices(server, name)
        if pool.driver == cephfs.DRIVER:
            cephfs.wipe(server, pool)
        _forget_part(server, name, server.place)
        for row in records.members:
            if row.name != server.name:
                _delete_there(server, row.name, name)
                _forget_part(server, name, row.name)
    records.pools.pop(name, None)


def _forget_part(server: Server, name: str, member: str) -> None:
    pool = server.records.pools[name]
    if member in pool.made and pool.driver not in REMOTE:
        server.records.pools[name] = replace(pool, gone=pool.gone | {member})


def _delete_there(server: Server, member: str, name: str) -> None:
    row = server.records.rows[member]
    if not server.hears(row):
        raise peers.not_notified(server, row, peers.refused(server, row))
    what, kind, project = held(server.records, name, member)
    if what:
        held_back = f'Volume "{what}" of type "{kind}" in project "{project}"'
        raise peers.not_notified(server, row, f'{held_back} still exists in storage pool "{name}"')
    leave_devices(server.cloud.servers[row.server], name)


def update(server: Server, name: str, config: Config, description: str = "") -> None:
    """Replaces the keys of a pool that all members share. All must be up."""
    peers.require_all(server)
    changed = replace(find(server, name), config=_set(config), description=description)
    server.records.pools[name] = changed


def update_member(server: Server, name: str, member: str, config: Config) -> None:
    """Replaces a member's own keys."""
    pool = find(server, name)
    own = {**pool.members.get(member, {}), **_set(config)}
    server.records.pools[name] = replace(pool, members={**pool.members, member: own})


def _set(config: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in config.items() if value}


def unmountable(server: Server) -> dict[str, str]:
    """By kind: the volumes of its images and backups on pools that are gone.

    A daemon ends at its start if there is such a volume.
    """
    if server.opened or not server.unmounted:
        return {}
    volumes = {k: server.config.get(f"storage.{k}_volume", "") for k in ("images", "backups")}
    return {k: v for k, v in volumes.items() if v.partition("/")[0] in server.unmounted}
