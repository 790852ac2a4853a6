# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Existing pools and networks that do not work: on this member, or on some member."""

from __future__ import annotations

import shlex

import backends
import modes
from plan import cluster_change
from plan.networks import wanted_networks
from plan.storage import pools, zfs_tools
from state.cluster import ClusterView, Pool
from state.peers import Storage
from state.view import Peers, View
from values.status import Status, blocked


def local_problem(lxd: ClusterView) -> Status | None:
    """Blocked while an existing pool or network does not work on this member."""
    without_tools = zfs_tools.pools_without(lxd)
    for pool, why in sorted(lxd.unavailable.items()):
        if pool in without_tools:
            return zfs_tools.lacking(f"pool {pool}", lxd.server)
        return blocked(f"pool {pool} is not here: {why}; bring it back")
    for network, why in sorted(lxd.stopped.items()):
        return blocked(f"network {network} does not run here: {why}")
    return None


def degraded(lxd: ClusterView) -> Status | None:
    """Blocked while this member's part of a pool works without one of its devices."""
    pool, why = min(lxd.degraded.items(), default=("", ""))
    return blocked(f"pool {pool}: {why}: replace the failed device") if pool else None


def _cure(pool: Pool) -> str:
    """The command for a half-made pool that is safe.

    LXD cannot delete a half-made pool in a Ceph. For any other pool, a second creation would
    skip members that have already deleted their parts. A pool's name may have blanks.
    """
    if backends.on_ceph(pool.driver):
        return f"lxc storage create {shlex.quote(pool.name)} {pool.driver}"
    return f"lxc storage delete {shlex.quote(pool.name)}"


def unfinished(view: View, lxd: ClusterView, peers: Peers, decided: Storage) -> Status | None:
    """Blocked by a half-made pool or network that no option asks for any more: no unit finishes it.

    The default pool and network may have two names: only the present one counts as wanted.
    """
    if cluster_change.blocker(view, lxd, peers, ""):
        return None
    return _unfinished_pool(view, lxd, decided) or _unfinished_network(view, lxd)


def _unfinished_pool(view: View, lxd: ClusterView, decided: Storage) -> Status | None:
    wanted = {pool.name for pool in pools.wanted(view, decided, lxd.pools or ())}
    for pool in lxd.pools or ():
        if pool.half_made and pool.name not in wanted:
            return blocked(f"pool {pool.name} is half made: {_cure(pool)}")
    return None


def _unfinished_network(view: View, lxd: ClusterView) -> Status | None:
    nets = wanted_networks.of_options(view.options, lxd.networks or ())
    wanted = {net.name for net in nets if modes.MODES[net.mode].type}
    for network in lxd.networks or ():
        if network.half_made and network.name not in wanted:
            cure = f"finish it, or lxc network delete {network.name}"
            return blocked(f"network {network.name} is {network.status.lower()}: {cure}")
    return None
