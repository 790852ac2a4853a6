# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""This unit's contribution to the cluster's pools: a device, or its own file or folder."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import backends
from backends import Backend
from plan.storage import ceph_access, devices, file_systems, zfs_tools
from relations import ceph
from state.cluster import ClusterView, Server
from state.facts import Device
from state.peers import Contribution, ContributionRequest, Storage, Token
from state.view import View
from values.status import Kind, Status, blocked
from values.wanted_pool import LEAST_FILE, VOLUME_SIZE, WantedPool, in_bytes

KEYS = "user.lxd-cluster.keys"
"""Key of a pool that names the keys from the options, beside the charm's own."""
SIZE = "user.lxd-cluster.size"
"""Key of a pool for the size that the operator wanted: LXD's own size differs by member."""
_OF_NEW, _OF_OLD = "set its size or devices", "name a device for it"
"""The remedy if there is no space for a part: the size of an existing pool is fixed."""


@dataclass(frozen=True)
class MemberConfig:
    """A member's own configuration of its part of a pool."""

    pool: WantedPool
    backend: Backend
    device: Device | None
    source: str = ""
    """The members' source if it is not a device: a folder, a dataset, a volume group."""

    @property
    def path(self) -> str:
        """The device's path, or the source, empty if LXD makes its own file or folder."""
        return self.device.path if self.device else self.source

    def standalone_config(self, view: View, lxd: ClusterView) -> dict[str, str]:
        """LXD's keys for a pool on this server alone."""
        own = self.backend.part(self.pool, self.path, lxd.server.extensions)
        return {**shared_config(view, lxd, self.pool), **own}

    def member_config(self) -> dict[str, str]:
        """What a joining member sends with its request: `member_config` of LXD's API."""
        return self.backend.member_config(self.pool, self.path)


def shared_config(view: View, lxd: ClusterView, pool: WantedPool) -> dict[str, str]:
    """LXD's keys for a pool that are the same on all members."""
    answer = ceph.RELATION.of(view)
    user = answer.user if answer else ""
    keys = backends.BACKENDS[pool.backend].shared(pool, user, lxd.server.extensions)
    option_keys = {KEYS: " ".join(sorted(pool.config))} if pool.config else {}
    return {**keys, **pool.config, **option_keys, **({SIZE: pool.size} if pool.size else {})}


def before_join(
    view: View, lxd: ClusterView, decided: Storage | None, token: Token | None
) -> tuple[list[MemberConfig], Status | None]:
    """This unit's parts of all pools that it must make or have; or why it cannot."""
    wanted = _wanted(view, lxd, decided, token)
    if isinstance(wanted, Status):
        return [], wanted
    if missing := _without_device(view, decided):
        return [], missing
    configs: list[MemberConfig] = []
    for pool in _to_make(wanted, lxd):
        config = _next_config(configs, view, pool, lxd.server)
        if isinstance(config, Status):
            return [], config
        configs.append(config)
        if problem := _no_room(view, configs, _OF_NEW if decided is None else _OF_OLD):
            return [], problem
    return configs, None


def _to_make(wanted: Iterable[WantedPool], lxd: ClusterView) -> list[WantedPool]:
    """The pools whose part this unit makes."""
    # Its own interrupted bootstrap has used its device already.
    existing = {p.name for p in lxd.pools or ()}
    # LXD knows what to do with an operator's pool of another driver.
    return [p for p in wanted if p.name not in existing and p.backend in backends.BACKENDS]


def _next_config(
    others: Iterable[MemberConfig], view: View, pool: WantedPool, server: Server
) -> MemberConfig | Status:
    """This unit's part of a pool, on no device that one of the other parts has."""
    given = [config.device for config in others if config.device]
    taken = frozenset(name for device in given for name in (device.node, *device.unique))
    config = _member_config(view, pool, server, taken)
    if isinstance(config, Status) or config.device:
        return config
    return replace(config, source=_sources(view).get(pool.name, ""))


def to_pools(
    view: View, lxd: ClusterView, requests: Iterable[ContributionRequest]
) -> dict[str, Contribution]:
    """This unit's answers to the calls for pools, by serial. Some may be missing for the moment."""
    answers = {request.serial: _to_pool(view, lxd, request) for request in requests}
    return {serial: c for serial, c in answers.items() if c is not None}


def options_of(view: View, pool: WantedPool) -> str:
    """What the options say of each member's part of a pool: the size, then the devices.

    Juju's own storage is not among them: each machine has another path to it.
    """
    devices = [device for device in pool.devices if device not in view.given_devices]
    return " ".join([pool.size or "auto", *devices])


def _to_pool(view: View, lxd: ClusterView, request: ContributionRequest) -> Contribution | None:
    more = {pool.name: pool for pool in view.more_pools}
    pool = replace(
        more.get(request.pool, view.default_pool), name=request.pool, backend=request.backend
    )
    if request.options and request.options != options_of(view, pool):
        return None
    decided = Storage(backend=request.backend, pool=request.pool)
    if request.pool not in more and _devices_are_for_earlier(view, decided):
        pool = replace(pool, devices=())
    config = _fitting_config(view, pool, lxd.server)
    if isinstance(config, Status):
        return Contribution(problem=config.message) if config.kind is Kind.BLOCKED else None
    disk = config.device.unique if config.device else ()
    return Contribution(device=config.path, disk=disk)


def _fitting_config(view: View, pool: WantedPool, server: Server) -> MemberConfig | Status:
    """This member's part of a new pool; or why it cannot have one, or has no room for it."""
    config = _member_config(view, pool, server, frozenset())
    return config if isinstance(config, Status) else _no_room(view, [config], _OF_NEW) or config


def _without_device(view: View, decided: Storage | None) -> Status | None:
    """Blocked if the members' parts of a pool are on devices, and no option names this unit's.

    Otherwise LXD would silently make a file on its root disk.
    """
    more = {pool.name: pool for pool in view.more_pools}
    defaults = _names_of_default(view, decided)
    for name in sorted(_on_devices(view)):
        option_pool = more.get(name) or (view.default_pool if name in defaults else None)
        if option_pool is None or not option_pool.devices:
            option = "devices" if name in defaults - more.keys() else "pools"
            return blocked(f"pool {name} is on devices: name this machine's in storage-{option}")
    return None


def _names_of_default(view: View, decided: Storage | None) -> frozenset[str]:
    """All names that the default pool has or had, with any backend.

    A pool of an earlier backend or name stays while it holds something. If the present one uses no
    devices, `storage-devices` can only be meant for it, unless `storage-pools` names it.
    """
    names = backends.names_of_default(view.default_pool.name)
    if decided is None:
        return names
    backend = backends.BACKENDS.get(decided.backend)
    if backend is not None and not backend.on_devices:
        names |= _on_devices(view) - {pool.name for pool in view.more_pools}
    return names | {decided.pool}


def _devices_are_for_earlier(view: View, decided: Storage) -> bool:
    """Whether `storage-devices` can only be meant for the default pool of an earlier backend."""
    backend = backends.BACKENDS.get(decided.backend)
    earlier = _names_of_default(view, decided) - {decided.pool}
    return backend is not None and not backend.on_devices and bool(earlier & _on_devices(view))


def _on_devices(view: View) -> set[str]:
    """Pools whose parts on the members are on devices."""
    units = (view.peers.own, *view.peers.others.values()) if view.peers else ()
    return {name for data in units if data.cluster for name in data.on_devices}


def _sources(view: View) -> dict[str, str]:
    """By pool whose parts an operator put somewhere else than on a device: the members' source.

    A joining member has its part at the same place, because no option says another.
    """
    others = view.peers.others.values() if view.peers else ()
    return {pool: s for data in others if data.cluster for pool, s in data.sources.items()}


def _no_room(view: View, configs: Sequence[MemberConfig], cure: str) -> Status | None:
    """Blocked if this machine has no room for the last of these parts beside the others.

    LXD makes its files sparse, so a lack of space would show only when they are full. Those of
    other pools may still grow.
    """
    *others, last = configs
    pool, name = last.pool, f"pool {last.pool.name}"
    if last.device and in_bytes(pool.volume_size) > last.device.size:
        size = f"{last.path[:20]} has: {last.device.size >> 30} GiB"
        return blocked(f"{name}: {VOLUME_SIZE}={pool.volume_size} is more than {size}")
    if view.room is None or not _is_file(last):
        return None
    left = view.room - _reserved_bytes(view, others, {config.pool.name for config in configs})
    if _bytes(last) <= left:
        return None
    space = f"{pool.size or LEAST_FILE} is wanted, {max(left, 0) >> 30} GiB are free"
    return blocked(f"{name}: {space}: {cure}")


def _reserved_bytes(view: View, configs: Sequence[MemberConfig], names: set[str]) -> int:
    """Bytes that files of pools may still take: these new files, and those of other pools."""
    growth = sum(size for made, size in view.growth.items() if made not in names)
    return growth + sum(_bytes(config) for config in configs if _is_file(config))


def _is_file(config: MemberConfig) -> bool:
    return config.backend.sized and not config.path


def _bytes(config: MemberConfig) -> int:
    return in_bytes(config.pool.size or LEAST_FILE)


def _unsupported(asker: str, word: str, server: Server) -> Status:
    """Blocked if a machine lacks what a backend needs. `asker` is the option or pool to name."""
    if server.in_container:
        return blocked(f"{asker}: only dir works in a container: set dir, or use machines")
    if word == zfs_tools.ZFS and (without := zfs_tools.lacking(asker, server)):
        return without
    row = backends.BACKENDS.get(word)
    supported = ", ".join(sorted(server.drivers & set(backends.BACKENDS)))
    # The remedy comes last: text before it may be cut off.
    needs = f"; needs {row.needs}" if row else ""
    return blocked(f"{asker}: LXD here supports {supported}{needs}")


def _version(view: View) -> str:
    return view.lxd.server.version if isinstance(view.lxd, ClusterView) else ""


def _wanted(
    view: View, lxd: ClusterView, decided: Storage | None, token: Token | None
) -> list[WantedPool] | Status:
    """The cluster's pools: from the token, otherwise from the known options."""
    default_pool = view.default_pool
    backend = backends.resolve(default_pool.backend, lxd.server.drivers)
    # A member without what is wanted now would block the change.
    if backend is None:
        return _unsupported(
            f"storage-backend={default_pool.backend}", default_pool.backend, lxd.server
        )
    if decided is None:
        return [replace(default_pool, backend=backend.name), *view.more_pools]
    return _decided(view, decided, token)


def _decided(view: View, decided: Storage, token: Token | None) -> list[WantedPool]:
    """The same once the cluster's default pool is known."""
    default_pool = view.default_pool
    wanted = {pool.name: pool for pool in view.more_pools}
    default = replace(default_pool, name=decided.pool, backend=decided.backend, size=decided.size)
    if _devices_are_for_earlier(view, decided):
        default = replace(default, devices=())
    names = _names_of_default(view, decided)
    of_default = {name: replace(default_pool, name=name) for name in names}
    wanted = {**of_default, **wanted, decided.pool: default}
    made = token.pools if token else _made(view)
    existing = {record.pool: _as_made(record, wanted.get(record.pool)) for record in made}
    if token is not None and token.pools:
        return list(existing.values())
    # The same pools as with a token: otherwise a unit that cannot use one would get the next one at
    # once.
    in_options = {decided.pool: default, **{pool.name: pool for pool in view.more_pools}}
    return list({**in_options, **existing}.values())


def _made(view: View) -> Iterable[Storage]:
    """The cluster's pools beside the default one, from the members."""
    others = view.peers.others.values() if view.peers else ()
    return [record for data in others if data.cluster for record in data.pools]


def _as_made(record: Storage, wanted: WantedPool | None) -> WantedPool:
    pool = wanted or WantedPool(record.pool, record.backend)
    backend = backends.BACKENDS.get(record.backend)
    # `storage-devices` is for the default pool of the present backend if an earlier one uses none.
    if backend is not None and not backend.on_devices:
        pool = replace(pool, devices=())
    size = record.size or pool.size
    pool = replace(pool, backend=record.backend, size=size, user=record.user)
    return (
        replace(pool, in_ceph=record.elsewhere, without_relation=True) if record.elsewhere else pool
    )


def _member_config(
    view: View, pool: WantedPool, server: Server, taken: frozenset[str]
) -> MemberConfig | Status:
    backend = backends.BACKENDS.get(pool.backend)
    if backend is None or backend.driver not in server.drivers:
        return _unsupported(f"pool {pool.name} of {pool.backend}", pool.backend, server)
    if backend.on_ceph and not pool.without_relation and (problem := _no_ceph_access(view, pool)):
        return problem
    device = devices.choice(view, pool, backend, taken)
    return device if isinstance(device, Status) else MemberConfig(pool, backend, device)


def _no_ceph_access(view: View, pool: WantedPool) -> Status | None:
    """Why this machine cannot use the application's Ceph for a pool."""
    if problem := ceph_access.not_ready(view) or ceph_access.without_key(view, pool):
        return problem
    is_file_system = pool.backend == backends.CEPHFS
    return file_systems.without_admin_key(view, _version(view)) if is_file_system else None
