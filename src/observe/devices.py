# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""What LXD uses this machine's block devices for.

The kernel does not know it while nothing on a pool is in use: LXD activates no volume of LVM to
mount a pool, and a stopped daemon has exported its zpools. QEMU opens disks without a lock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from lxd.errors import LxdError, LxdUnreachable
from ports.ports import Ports
from state.facts import Device
from state.lxd_objects import Instance
from values.wanted_pool import DEVICE


def marked(
    selections: Iterable[tuple[str, ...]], sources: Mapping[str, str], ports: Ports
) -> dict[tuple[str, ...], tuple[Device, ...]]:
    """The devices of each selection. Those of the pools with these `sources` are in use."""
    by_node = _pools(sources, ports)

    def marked_device(device: Device) -> Device:
        pool = by_node.get(device.node)
        return device if pool is None else replace(device, use=f"is in pool {pool}")

    return {
        selection: tuple(map(marked_device, ports.machine.devices(selection)))
        for selection in selections
    }


def use_by_lxd(node: str, ports: Ports) -> str:
    """What LXD here uses a device for, or that it cannot say so; empty if nothing.

    `node` is the device's own path in /dev.
    """
    try:
        return _use(node, ports)
    except LxdError as error:
        return f"may be in a pool of LXD, which refuses to say: {error}"
    except LxdUnreachable:
        snap = ports.snap.facts(None)
        has_database = snap.deb or (snap.installed and not snap.untouched)
        return "may be in a pool of LXD, which does not answer here" if has_database else ""


def _use(node: str, ports: Ports) -> str:
    server = ports.lxd.server.get()
    own_name = server.name if server.clustered else ""
    names = [pool.name for pool in ports.lxd.pools.list()]
    _, sources = ports.lxd.pools.parts(names, own_name)
    if pool := _pools(sources, ports).get(node):
        return f"is in pool {pool}"
    for instance in ports.lxd.instances.list():
        if not own_name or instance.location == own_name:
            disks = ports.machine.devices(_disks(instance))
            if node in {disk.node for disk in disks}:
                return f"is a disk of {instance}"
    return ""


def _pools(sources: Mapping[str, str], ports: Ports) -> dict[str, str]:
    """The pools that are on devices of this machine, by the device's own path in /dev."""
    given = {pool: source for pool, source in sources.items() if source.startswith(DEVICE)}
    return {
        device.node: pool
        for pool, source in given.items()
        for device in ports.machine.devices((source,))
    }


def _disks(instance: Instance) -> tuple[str, ...]:
    """The devices of the machine that an instance has as they are."""
    values = (
        device.get("source") or device.get("path", "")
        for device in instance.devices.values()
        if device.get("type") in ("disk", "unix-block")
    )
    return tuple(sorted(value for value in values if value.startswith(DEVICE)))
