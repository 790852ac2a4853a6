# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The action form-again: units without a cluster form a new one."""

from __future__ import annotations

from actions.refusal import ActionRefused, leaders_peers
from plan import leader
from state.peers import AppData
from state.unresponsive import Unresponsive
from state.view import View
from values.status import names

GONE = "yes-the-cluster-is-gone"


def form_again(view: View, confirm: str) -> AppData:
    """What the leader must write so that units without a cluster form a new one.

    The charm cannot distinguish a cluster whose last member left from one whose machine was removed
    with everything on it. So the operator confirms that the old cluster is gone.
    """
    peers = leaders_peers(view, "form-again")
    if not peers.app.cluster or peers.has_member:
        raise ActionRefused("a unit is a member of the cluster, or the units have formed none yet")
    if isinstance(view.lxd, Unresponsive):
        raise ActionRefused(
            "LXD here does not answer, and may be a member: juju ssh "
            f"{view.unit} sudo snap restart --reload lxd"
        )
    if unsure := peers.unsure:
        raise ActionRefused(
            f"{names(unsure)} was joining when its LXD stopped answering, and may be the last "
            f"member: bring its LXD back, or give it up: juju remove-unit --force {unsure[0]}"
        )
    if unread := leader.unreadable(peers):
        raise ActionRefused(f"{unread.message}: it may be a member")
    if view.units is not None and view.units.leaving:
        raise ActionRefused(f"{names(view.units.leaving)} has not left yet, and may be a member")
    if confirm != GONE:
        raise ActionRefused(f"this gives up what the old cluster held: repeat with confirm={GONE}")
    return leader.data_to_form_again(peers)
