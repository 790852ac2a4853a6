# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The action cluster-status: tables of members, pools and networks."""

from __future__ import annotations

from actions import tables
from actions.refusal import ActionRefused, not_a_member
from plan.networks import wanted_networks
from plan.storage import pools
from state.cluster import ClusterView
from state.view import View


def cluster_status(view: View) -> dict[str, object]:
    """Tables of the cluster's members, pools and networks.

    The fingerprint is the one that a remote client is asked to accept.
    """
    lxd, peers = view.lxd, view.peers
    if not isinstance(lxd, ClusterView) or not lxd.server.clustered or peers is None:
        raise ActionRefused(not_a_member(view, "cluster-status"))
    table = tables.members_table(lxd, peers, view.unit)
    result: dict[str, object] = {
        "members": len(lxd.members),
        "fingerprint": lxd.server.fingerprint,
        "table": table,
    }
    if decided := peers.app.storage:
        existing = lxd.pools or ()
        pool_names = [pool.name for pool in pools.wanted(view, decided, existing)]
        result["pools"] = tables.pools_table(existing, pool_names, decided.pool)
    if lxd.networks is not None:
        network_names = [net.name for net in wanted_networks.of_options(view.options, lxd.networks)]
        result["networks"] = tables.networks_table(lxd.networks, network_names, lxd.nic or {})
    return result
