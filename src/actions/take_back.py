# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The action take-back: the application takes over the existing cluster."""

from __future__ import annotations

from actions.refusal import ActionRefused, confirmation, leaders_peers
from ports.ports import Ports
from records import member_marks
from state.cluster import ClusterView
from state.peers import AppData
from state.view import Peers, View
from values.status import names


def take_back(view: View, ports: Ports, confirm: str) -> AppData:
    """What the leader must write so that the application takes over the existing cluster.

    An earlier deployment of this charm made the cluster, and left it on machines that stayed. The
    charm cannot distinguish such a cluster from one of another, running application: the operator
    decides. Each member belongs to the operator until a unit of this application runs on its
    machine. Otherwise a member that is down would count as dead, since Juju does not have the unit
    that its record names. Raises ActionRefused, LxdError, LxdUnreachable.
    """
    lxd, peers = view.lxd, leaders_peers(view, "take-back")
    if not isinstance(lxd, ClusterView) or not lxd.server.clustered or not lxd.identity:
        raise ActionRefused("LXD on the leader is not in a cluster that this charm made")
    if peers.app.cluster or peers.has_member:
        raise ActionRefused("the application has a cluster: empty this LXD instead, see the docs")
    if other := _other_bootstrap_unit(view, peers):
        raise ActionRefused(
            f"{other} is about to make a cluster: wait for it, or juju remove-unit {other}"
        )
    wanted = confirmation("take-back", lxd.identity[:8])
    if confirm != wanted:
        members = names(m.name for m in lxd.members)
        raise ActionRefused(f"it has the members {members}: repeat with confirm={wanted}")
    ports.lxd.notes.write(member_marks.operators_members(lxd.members))
    return AppData(bootstrap=view.unit, cluster=lxd.identity, queue=peers.app.queue)


def _other_bootstrap_unit(view: View, peers: Peers) -> str:
    """The unit that may make another cluster at this moment, empty if there is none."""
    unit = peers.app.bootstrap
    units = peers.others.keys() if view.units is None else view.units.in_juju - {view.unit}
    return unit if unit in units else ""
