# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Plans of leaving units whose LXD is not in this application's cluster."""

from __future__ import annotations

from options.options import ABANDON
from plan.install import disabled_snap, removed_snap
from plan.leaving import blockers, migration, outcomes
from state.cluster import ClusterView
from state.unresponsive import Unresponsive
from state.view import View
from steps.networks import EndOverlayDhcp
from steps.plan import Plan, Step
from values.status import Kind, StatusText, blocked


def networks_ended(view: View) -> tuple[Step, ...]:
    """Steps that end the DHCP of the cluster's networks on a machine that has left it.

    A hook that was killed after the removal has not ended it. The machine would give out the same
    addresses as the members.
    """
    removed = view.peers is not None and view.unit in view.peers.removed
    left = isinstance(view.lxd, ClusterView) and view.lxd.own is None
    return tuple(EndOverlayDhcp(name) for name in sorted(view.overlays)) if left or removed else ()


def of_unresponsive(view: View, lxd: Unresponsive) -> Plan:
    """The plan if LXD does not answer and is not in our cluster: its disk may have data."""
    ours = view.peers is not None and bool(view.peers.own.cluster)
    held = "has data" if view.holds_data else ""
    if not held and not ours and view.database is not None and view.database.nodes:
        held = "is in another cluster"
    if not held or view.options.on_remove == ABANDON:
        return outcomes.has_left()
    reason = f"LXD here {held}, and does not answer: {lxd.message}"
    # A comma after `leave`, because a long status only keeps the whole text before its first colon.
    status = blocked(f"{view.unit} cannot leave, LXD here {held}: {lxd.message}")
    return outcomes.held(status, blockers.with_abandon_advice(view, (reason,)))


def of_removed_member(view: View) -> Plan:
    """The plan if the cluster has removed this member, which still answers for some minutes.

    Its content is only on its disk: LXD has deleted the records.
    """
    if not view.holds_data or view.options.on_remove == ABANDON:
        return outcomes.has_left()
    return _held_for(view, _in_removed_member())


def of_disabled(view: View) -> Plan:
    """The plan if LXD's snap is disabled: Juju would release the machine with LXD's data."""
    status = disabled_snap.status(view.snap)
    if status is not None and status.kind is Kind.WAITING:
        return outcomes.held(status)
    return _held_for(view, disabled_snap.reason())


def of_removed(view: View) -> Plan:
    """The plan if LXD's snap was removed: pools and snapd's copy may still be on the machine."""
    return _held_for(view, removed_snap.reason())


def of_deb(view: View) -> Plan:
    """The plan if LXD is from a deb: it was there before, and the charm cannot see its data."""
    if view.lxd is not None or not view.snap.deb or view.options.on_remove == ABANDON:
        return outcomes.has_left()
    return _held_for(view, _in_deb())


def of_unclustered(view: View, lxd: ClusterView) -> Plan:
    """The plan if LXD is in no cluster: its content is older than the unit, or it never joined."""
    if view.options.on_remove == ABANDON:
        return outcomes.has_left()
    if removed_snap.is_reinstalled(view):
        # Its pools and snapd's copy may still be here.
        return _held_for(view, removed_snap.empty())
    here = [t for t in blockers.everything(lxd) if not migration.of_juju(t)]
    return _held_for(view, *map(_in_lxd, here)) if here else outcomes.has_left()


def of_foreign(view: View, foreign: str) -> Plan:
    """The plan if LXD's cluster is not ours, or may not be: the charm changes nothing there.

    Juju releases the machine with the unit, and somebody may need that member.
    """
    if view.options.on_remove == ABANDON:
        return outcomes.has_left()
    return _held_for(view, _in_foreign(foreign))


def _held_for(view: View, *reasons: StatusText) -> Plan:
    status = blockers.cannot_leave(view.unit, reasons)
    return outcomes.held(status, blockers.with_abandon_advice(view, reasons))


def _in_deb() -> StatusText:
    return "LXD is here as a deb, and Juju releases the machine with this unit: move its data"


def _in_removed_member() -> StatusText:
    return "LXD here has data, and the cluster removed its member: docs: How to recover"


def _in_lxd(lxd_object: object) -> StatusText:
    return f"{lxd_object}: is in LXD here, and Juju releases the machine with this unit"


def _in_foreign(foreign: StatusText) -> StatusText:
    return f"{foreign}, and Juju releases the machine with this unit"
