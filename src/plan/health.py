"""Existing pools and networks that do not work: on this member, or on some member."""

from __future__ import annotations

from plan import cluster_change
from state.cluster import Lxd
from state.view import Peers, View
from values.status import Status, blocked


def here(lxd: Lxd) -> Status | None:
    """Blocked while this member has no part in a pool or a network that was made."""
    for pool, why in sorted(lxd.unavailable.items()):
        return blocked(f"pool {pool} is not here: {why}; bring it back")
    for network, why in sorted(lxd.stopped.items()):
        return blocked(f"network {network} does not run here: {why}")
    return None


def unfinished(view: View, lxd: Lxd, peers: Peers) -> Status | None:
    """Blocked while something is half made that no option asks for, so it stays unfinished."""
    if cluster_change.hindrance(view, lxd, peers, ""):
        return None
    asked = cluster_change.asked(view)
    for pool in lxd.pools or ():
        if pool.half_made and pool.name not in asked:
            cure = f"lxc storage create {pool.name} {pool.driver} finishes it"
            return blocked(f"pool {pool.name} is {pool.status.lower()}: {cure}")
    for network in lxd.networks or ():
        if network.half_made and network.name not in asked:
            cure = f"finish it, or lxc network delete {network.name}"
            return blocked(f"network {network.name} is {network.status.lower()}: {cure}")
    return None
