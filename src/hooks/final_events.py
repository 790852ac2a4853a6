"""When a unit that leaves can still tell the others something.

Juju sends what a hook wrote only where the hook ends well, and a hook that ends well holds nobody.
So a unit that is to be held tells something in a hook only after which another one is sure to come.
"""

from __future__ import annotations

import ops


def are_heard(event: ops.EventBase, peers: str) -> bool:
    """Whether another hook of a unit that leaves follows this one, whatever becomes of the others.

    `remove` comes after `stop`. After `relation-departed` only another one is sure: with the last,
    the unit is out of the relation, and Juju 4.0 holds it no more.
    """
    if isinstance(event, ops.RelationDepartedEvent):
        return event.relation.name == peers and bool(event.relation.units - {event.unit})
    return isinstance(event, ops.StopEvent)
