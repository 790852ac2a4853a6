# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The action recover-quorum: one member becomes the only voter."""

from __future__ import annotations

from dataclasses import replace

from actions.refusal import ActionRefused, confirmation
from plan.recovery import quorum, unresponsive
from plan.unit import make_plan
from ports.ports import Ports
from state.cluster import ClusterView
from state.peers import UnitData
from state.unresponsive import WITHOUT_DATABASE, Unresponsive, UnresponsiveReason
from state.view import Peers, View
from values.status import names


class RecoveryRefused(ActionRefused):
    """Refused for now. `own` is what this unit must publish: its question, and its own answer.

    The hooks of a unit in error publish nothing, so only the action can publish the answer.
    """

    def __init__(self, reason: str, own: UnitData) -> None:
        super().__init__(reason)
        self.own = own


def recover_quorum(view: View, ports: Ports, lost: str, confirm: str) -> str:
    """Makes this member the only voter of its database; returns the path of the earlier copy.

    `lost` names voters that never come back, by unit, member or address, separated by commas.
    Raises ActionRefused, OSError, SubprocessError.
    """
    peers = _without_quorum(view)
    if view.database is None:
        raise ActionRefused(
            "the list of voters cannot be read: juju ssh "
            f"{view.unit} sudo lxd cluster show says why"
        )
    named = frozenset(lost.replace(",", " ").split())
    if view.units is None and not named:
        raise ActionRefused("Juju does not say which units it has given up: add lost=UNIT,UNIT")
    wanted = confirmation("recover", view.unit)
    if confirm != wanted:
        raise ActionRefused(f"this gives up all other voters: repeat with confirm={wanted}")
    recovery = quorum.recovery(view, peers, view.database, named)
    if recovery.problem:
        raise RecoveryRefused(recovery.problem, _published(view, peers, recovery.lost))
    if alive := ports.database.listening(recovery.lost - quorum.reused_addresses(view, peers)):
        raise ActionRefused(
            f"{names(alive)} counts as lost, but accepts connections: switch that machine off, or "
            "bring it back"
        )
    copy = ports.database.backup(ports.clock())
    ports.database.recover()
    return copy


def _published(view: View, peers: Peers, lost: frozenset[str]) -> UnitData:
    """What this unit publishes: which voters it treats as lost, and how new its own copy is."""
    # Without any, the earlier question still counts.
    update: dict[str, object] = {}
    if lost:
        update = {"lost": tuple(sorted(lost)), "asked": quorum.asked_since(view, peers, lost)}
    own = peers.own.model_copy(update=update)
    report = unresponsive.database_report(view, replace(peers, own=own))
    return own.model_copy(update={"silent": report})


def _without_quorum(view: View) -> Peers:
    """The peers of a member whose database has no quorum. Raises ActionRefused for any other."""
    lxd, peers = view.lxd, view.peers
    silent = lxd if isinstance(lxd, Unresponsive) else None
    if isinstance(lxd, ClusterView) or (silent and silent.reason is UnresponsiveReason.REFUSED):
        raise ActionRefused("LXD answers: its database has its quorum")
    without = silent is not None and silent.reason in WITHOUT_DATABASE
    if not without or peers is None or not _has_joined(view, peers):
        raise ActionRefused(f"no quorum is missing here: {make_plan(view).status}")
    return peers


def _has_joined(view: View, peers: Peers) -> bool:
    """Whether this unit is a member, or may be one that had no time to publish it."""
    joins = view.forming is not None and view.forming.what == "join"
    return bool(peers.own.cluster) or joins
