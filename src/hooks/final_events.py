# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""When a leaving unit can still publish something.

Juju sends what a hook wrote only if the hook ends without error, and a hook that ends without error
does not hold the unit. So a unit that must be held publishes only in a hook after which another
hook certainly runs.
"""

from __future__ import annotations

import ops


def is_own_departure(event: ops.EventBase, peers: str, unit: ops.Unit) -> bool:
    """Whether the event says that this unit itself departs from its peers."""
    if not isinstance(event, ops.RelationDepartedEvent) or event.relation.name != peers:
        return False
    return event.departing_unit == unit


def another_follows(event: ops.EventBase, peers: str) -> bool:
    """Whether another hook of a leaving unit follows this one in every case.

    `remove` comes after `stop`. After `relation-departed` only another `relation-departed` is
    certain: after the last one the unit is out of the relation, and Juju 4.0 no longer holds it.
    """
    if isinstance(event, ops.RelationDepartedEvent):
        return event.relation.name == peers and bool(event.relation.units - {event.unit})
    return isinstance(event, ops.StopEvent)


def may_run_while_leaving(event: ops.EventBase, peers: str) -> bool:
    """Whether a leaving unit may get this event in addition to those in which it leaves.

    Juju ends all relations of a unit, one remote unit after the other and in any order.
    """
    if isinstance(event, ops.RelationDepartedEvent):
        return event.relation.name != peers
    return isinstance(event, ops.ActionEvent | ops.StartEvent | ops.RelationBrokenEvent)
