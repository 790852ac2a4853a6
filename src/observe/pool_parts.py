# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""This member's parts of the pools: what they are on, and what is missing.

LXD's list of all pools shows them as created. LXD tests each pool when its daemon starts, and tries
again each minute.
"""

from __future__ import annotations

from collections.abc import Iterable

from lxd.errors import LxdError, LxdUnreachable
from lxd.pools import PoolPart
from ports.ports import Ports


def look(pools: Iterable[str], member: str, ports: Ports) -> tuple[dict[str, str], dict[str, str]]:
    """Pools that this member cannot use now, with what is missing; and the pools' given sources.

    `member` is empty outside a cluster. A given source is a device, a folder, a zpool or its
    dataset, or a volume group. A pool that LXD made in its own folder has none.
    """
    missing: dict[str, str] = {}
    sources: dict[str, str] = {}
    for pool in pools:
        try:
            part = ports.lxd.pools.part(pool, member)
        except LxdUnreachable:
            missing[pool] = "it does not answer"
            continue
        except LxdError:
            continue  # It was deleted a moment ago.
        if why := _missing(part, ports):
            missing[pool] = why
        if part.given:
            sources[pool] = part.given
    return missing, sources


def _missing(part: PoolPart, ports: Ports) -> str:
    """Why LXD cannot use its part of a pool, empty if it can.

    The device's name is the one that it had when the pool was made: the operator may remember it.
    Another disk may have it by now.
    """
    if part.source.startswith("/dev/") and ports.machine.lacks_device(part.source):
        return f"{part.source} is gone"
    was = f" (was {part.device})" if part.device else ""
    if part.driver == "btrfs" and ports.machine.lacks_file_system(part.source):
        return f"its disk is gone{was}"
    if not part.available:
        return f"LXD cannot mount it{was}"
    # LXD imports a zpool when it starts, and does not look again.
    zpool = part.dataset.partition("/")[0]
    exported = part.driver == "zfs" and bool(zpool) and ports.machine.lacks_zpool(zpool)
    return f"its zpool was exported{was}" if exported else ""
