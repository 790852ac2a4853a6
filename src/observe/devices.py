# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""What LXD uses this machine's block devices for.

The kernel does not show that while nothing on a pool is in use: LXD activates no volume of LVM to
mount a pool, and a stopped daemon has exported its zpools. QEMU opens disks without a lock.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from functools import partial
from itertools import chain

from lxd.errors import LxdError, LxdUnreachable
from lxd.pools import PoolSource
from ports.ports import Ports
from state.facts import Device
from state.lxd_objects import Instance
from values.wanted_pool import DEVICE, is_device

Selection = tuple[str, ...]
"""Paths and globs of an option."""

_OF_GROUPS = ("LVM2_member", "zfs_member")


def marked(
    selections: Iterable[Selection],
    unmade: Collection[Selection],
    sources: Mapping[str, str],
    member: str,
    ports: Ports,
) -> dict[Selection, tuple[Device, ...]]:
    """The devices of each selection. Those of the pools with these `sources` are in use.

    So are disks of instances, if a pool that is not made yet names one of them: the `unmade`
    selections. `member` is this LXD's name in the cluster, empty outside one.
    """
    found = {selection: ports.machine.devices(selection) for selection in selections}
    every = list(chain.from_iterable(found.values()))
    uses = {node: f"is in pool {pool}" for node, pool in _pools(sources, ports).items()}
    wanted = [device for selection in unmade for device in found.get(selection, ())]
    uses |= _in_instances([d for d in wanted if not d.use], uses, member, ports)
    # A zpool on one partition counts as one on the whole disk: see `_in_groups`.
    uses |= _by(_of_disk, every, uses)
    uses |= _in_groups(every, sources, member, ports)
    uses |= _by(_of_part, every, uses)
    uses |= _by_other_paths(every, uses, ports)
    return {
        selection: tuple(replace(d, use=d.use or uses.get(d.node, "")) for d in matching)
        for selection, matching in found.items()
    }


def _in_instances(
    wanted: Iterable[Device], uses: Mapping[str, str], member: str, ports: Ports
) -> dict[str, str]:
    """By node of an instance's disk: its use. LXD is asked only for devices without a known use."""
    unused = [device.node for device in wanted if device.node not in uses]
    return _or_unknown(partial(_of_instances, member, ports), unused) if unused else {}


def _in_groups(
    found: Iterable[Device], sources: Mapping[str, str], member: str, ports: Ports
) -> dict[str, str]:
    """By node of a device: the pool whose volume group or zpool it is a part of now."""
    held = [device.node for device in found if _may_be_in_group(device)]
    on_devices = [pool for pool, source in sources.items() if is_device(source)]
    if not held:
        return {}
    return _or_unknown(lambda: _now_in(_sources(on_devices, member, ports), ports), held)


def _by_other_paths(
    found: Iterable[Device], uses: Mapping[str, str], ports: Ports
) -> dict[str, str]:
    """By node of a device that is another path to a disk in use: that use."""
    others = [device for device in found if device.unique and device.node not in uses]
    if not (others and uses):
        return {}
    used = ports.machine.devices(tuple(uses))
    by_name = {name: uses[device.node] for device in used for name in device.unique}
    found_uses = {d.node: next(filter(None, map(by_name.get, d.unique)), "") for d in others}
    return _without_empty(found_uses)


def _without_empty(uses: Mapping[str, str]) -> dict[str, str]:
    return {node: use for node, use in uses.items() if use}


def _may_be_in_group(device: Device) -> bool:
    """Whether it, or a partition of it, may be a part of a volume group or a zpool."""
    parts = (group in words for words in device.partitions for group in _OF_GROUPS)
    return device.holds in _OF_GROUPS or any(parts)


def _by(
    look: Callable[[Device, Mapping[str, str]], str],
    found: Iterable[Device],
    uses: Mapping[str, str],
) -> dict[str, str]:
    """By node of a device without a use of its own: what a look at the other uses says."""
    others = {d.node: look(d, uses) for d in found if d.node not in uses}
    return {node: use for node, use in others.items() if use}


def _of_disk(device: Device, uses: Mapping[str, str]) -> str:
    """What the disk of a partition is used for, empty if there is no such use."""
    use = uses.get(device.disk, "")
    return f"is on {device.disk}, which {use}" if use else ""


def _of_part(device: Device, uses: Mapping[str, str]) -> str:
    """What a partition of a disk is used for, empty if there is no such use."""
    part = next((part for part in device.parts if part in uses), "")
    return f"has {part}, which {uses[part]}" if part else ""


def _or_unknown(look: Callable[[], dict[str, str]], nodes: Iterable[str]) -> dict[str, str]:
    """What LXD uses. Without its answer these devices may be in use: a later hook asks again."""
    try:
        return look()
    except (LxdError, LxdUnreachable):
        return dict.fromkeys(nodes, "may be in use, LXD does not say")


def of_pools(pools: Iterable[str], member: str, ports: Ports) -> dict[str, tuple[str, ...]]:
    """By pool: what no other disk has than the device of this member's part.

    Nothing for a device that has lost its name since: another disk may have it. Pools that LXD does
    not describe now are left out.
    """
    try:
        sources = _sources(pools, member, ports)
    except (LxdError, LxdUnreachable):
        return {}
    groups = ports.machine.pool_devices() if sources else {}
    return {pool: _unique(source, groups, ports) for pool, source in sources.items()}


def _unique(
    source: PoolSource, groups: Mapping[str, Collection[str]], ports: Ports
) -> tuple[str, ...]:
    """What no other disk has than the device that LXD finds the pool on."""
    for device in ports.machine.devices((source.given,)):
        is_it = source.present in device.unique or device.node in groups.get(source.present, ())
        if is_it or source.present == source.given:
            return device.unique
    return ()


def degraded(pools: Iterable[str], member: str, ports: Ports) -> dict[str, str]:
    """By pool whose part here has lost a device, and works: what the kernel says of it."""
    found = ports.machine.degraded_storage()
    if not found:
        return {}
    try:
        sources = _sources(pools, member, ports)
    except (LxdError, LxdUnreachable):
        return {}
    said = {p: found.get(s.present) or found.get(s.given, "") for p, s in sources.items()}
    return _without_empty(said)


def use_by_lxd(device: Device, ports: Ports) -> str:
    """What LXD here uses a device, its disk or one of its partitions for; empty if for nothing.

    Or that LXD cannot say it.
    """
    try:
        return _use(device, ports) or _use_of_part(device, ports) or _use_of_disk(device, ports)
    except LxdError as error:
        return f"may be in a pool of LXD, which refuses to say: {error}"
    except LxdUnreachable:
        snap = ports.snap.facts(None)
        has_database = snap.deb or (snap.installed and not snap.untouched)
        return "may be in a pool of LXD, which does not answer here" if has_database else ""


def _use_of_part(device: Device, ports: Ports) -> str:
    """The same for the first partition that LXD uses. Raises LxdError, LxdUnreachable."""
    uses = ((part, _use(part, ports)) for part in ports.machine.devices(device.parts))
    return next((f"has {part.node}, which {use}" for part, use in uses if use), "")


def _use_of_disk(device: Device, ports: Ports) -> str:
    """The same for the disk of a partition. Raises LxdError, LxdUnreachable."""
    disks = ports.machine.devices((device.disk,)) if device.disk else ()
    uses = ((disk, _use(disk, ports)) for disk in disks)
    return next((f"is on {disk.node}, which {use}" for disk, use in uses if use), "")


def _use(device: Device, ports: Ports) -> str:
    """Raises LxdError, LxdUnreachable, also if LXD does not say what one of its pools is on."""
    server = ports.lxd.server.get()
    member = server.name if server.clustered else ""
    found = _sources((pool.name for pool in ports.lxd.pools.list()), member, ports)
    if pool := _pool_on(device, found):
        return f"is in pool {pool}"
    given = {pool: source.given for pool, source in found.items()}
    uses = {node: f"is in pool {pool}" for node, pool in _pools(given, ports).items()}
    uses = {**_of_instances(member, ports), **uses}
    if device.holds in _OF_GROUPS:
        uses |= _now_in(found, ports)
    return uses.get(device.node) or _by_other_paths((device,), uses, ports).get(device.node, "")


def _pool_on(device: Device, sources: Mapping[str, PoolSource]) -> str:
    """The pool that is on a device by the device's own identifiers, empty if none is."""
    by_id = {source.present: pool for pool, source in sources.items()}
    return next((by_id[one] for one in device.ids if one in by_id), "")


def _sources(pools: Iterable[str], member: str, ports: Ports) -> dict[str, PoolSource]:
    """What this member's parts of the pools are on; without one that was deleted a moment ago."""
    found: dict[str, PoolSource] = {}
    for pool in pools:
        try:
            source = ports.lxd.pools.source(pool, member)
        except LxdError as error:
            if error.not_found:
                continue
            raise
        # A part in LXD's own folder, or in a Ceph, has no given source.
        if source.given:
            found[pool] = source
    return found


def _now_in(sources: Mapping[str, PoolSource], ports: Ports) -> dict[str, str]:
    """By device: the pool on its zpool or volume group, whatever the device was called before."""
    groups = ports.machine.pool_devices()
    return {
        node: f"is in pool {pool}"
        for pool, source in sources.items()
        for node in groups.get(source.present, ())
    }


def _of_instances(member: str, ports: Ports) -> dict[str, str]:
    """By device: the instance here that has the whole device."""
    here = (i for i in ports.lxd.instances.list() if not member or i.location == member)
    return {
        disk.node: f"is a disk of {instance}"
        for instance in here
        for disk in ports.machine.devices(_disks(instance))
    }


def _pools(sources: Mapping[str, str], ports: Ports) -> dict[str, str]:
    """The pools that are on devices of this machine, by the device's own path in /dev."""
    given = {pool: source for pool, source in sources.items() if is_device(source)}
    return {
        device.node: pool
        for pool, source in given.items()
        for device in ports.machine.devices((source,))
    }


def _disks(instance: Instance) -> tuple[str, ...]:
    """The devices of the machine that an instance has whole, not as a volume of a pool."""
    devices = (d for d in instance.devices.values() if d.get("type") in ("disk", "unix-block"))
    return tuple(sorted(path for path in map(_path, devices) if path.startswith(DEVICE)))


def _path(device: Mapping[str, str]) -> str:
    """The path of an instance's device on its machine: `path` may be the one in the instance."""
    if device.get("major") and device.get("minor"):
        return f"{DEVICE}block/{device['major']}:{device['minor']}"
    return device.get("source") or device.get("path", "")
