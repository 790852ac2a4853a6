# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Existing pools and networks that do not work: on this member, or on some member."""

from __future__ import annotations

import backends
from plan import cluster_change
from state.cluster import ClusterView, Pool
from state.view import Peers, View
from values.status import Status, blocked


def here(lxd: ClusterView) -> Status | None:
    """Blocked while this member has no part in a pool or a network that was made."""
    for pool, why in sorted(lxd.unavailable.items()):
        return blocked(f"pool {pool} is not here: {why}; bring it back")
    for network, why in sorted(lxd.stopped.items()):
        return blocked(f"network {network} does not run here: {why}")
    return None


def _cure(pool: Pool) -> str:
    """What is safe to type.

    LXD cannot delete what is half made in a Ceph. Elsewhere a creation would leave out members
    that have deleted their part already.
    """
    if backends.on_ceph(pool.driver):
        return f"lxc storage create {pool.name} {pool.driver}"
    return f"lxc storage delete {pool.name}"


def unfinished(view: View, lxd: ClusterView, peers: Peers) -> Status | None:
    """Blocked while something is half made that no option asks for, so it stays unfinished."""
    if cluster_change.blocker(view, lxd, peers, ""):
        return None
    option_names = cluster_change.option_names(view)
    for pool in lxd.pools or ():
        if pool.half_made and pool.name not in option_names:
            return blocked(f"pool {pool.name} is half made: {_cure(pool)}")
    for network in lxd.networks or ():
        if network.half_made and network.name not in option_names:
            cure = f"finish it, or lxc network delete {network.name}"
            return blocked(f"network {network.name} is {network.status.lower()}: {cure}")
    return None
