"""Misbehaviour of Juju that has been seen, or that its source allows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Faults:
    """Misbehaviour of Juju that can be switched on."""

    lost_departures: bool = False
    """On 3.6: a forced removal leaves the unit in its relations' scopes, so that the others are not
    told (LP 1947416), until `Juju.deliver_lost_departures`."""
    late_departures: bool = False
    """On 3.6: the others are told of a departure when the leaver and its last hook are gone: the
    controller's cleanup of a dying unit is late."""
    early_departures: bool = False
    """On 4.0: the others may be told of a departure as long as the leaver is there."""
    unheard_leavers: bool = False
    """On 4.0: the others are not told of what a dying unit writes."""
    goal_state: str = ""
    """What `goal-state` fails with, as it does with a dangling cross-model relation."""
