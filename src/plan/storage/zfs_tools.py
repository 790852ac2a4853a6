# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The tools for the kernel's zfs: LXD's snap has them for some versions only."""

from __future__ import annotations

from state.cluster import ClusterView, Server, Zfs
from values import lxd_versions
from values.status import Status, blocked

ZFS = "zfs"
"""LXD's driver."""


def lacking(asker: str, server: Server) -> Status | None:
    """Blocked if LXD cannot use the kernel's zfs. `asker` names what asks for it.

    None also if the kernel has no zfs.
    """
    if server.zfs is None or ZFS in server.drivers:
        return None
    if server.zfs.tools:
        # The daemon looks for them when it starts.
        return blocked(f"{asker}: zfs was loaded after LXD: snap restart --reload lxd")
    return _without_tools(asker, server.zfs)


def lacking_after(lxd: ClusterView, after: str) -> Status | None:
    """Blocked if another LXD could not use pools that the present one uses."""
    zfs = lxd.server.zfs
    used = any(pool.driver == ZFS for pool in lxd.pools or ())
    if not used or zfs is None or not lxd_versions.ends_zfs(after, zfs.version):
        return None
    return _without_tools(f"LXD {lxd_versions.shown(after)}", zfs)


def pools_without(lxd: ClusterView) -> frozenset[str]:
    """The pools that LXD cannot use only because it has no tools for the kernel's zfs."""
    lacks = lacking("", lxd.server) is not None
    return frozenset(p.name for p in lxd.pools or () if lacks and p.driver == ZFS)


def _without_tools(asker: str, zfs: Zfs) -> Status:
    return blocked(f"{asker}: no tools for zfs {zfs.version}: snap set lxd zfs.external=true")
