# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Misbehaviour of Juju that was observed, or that its source allows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Faults:
    """Misbehaviour of Juju that can be switched on."""

    lost_departures: bool = False
    """On 3.6: a forced removal leaves the unit in its relations' scopes, so that the others do not
    hear of it (LP 1947416), until `Juju.deliver_lost_departures`.
    """
    late_departures: bool = False
    """On 3.6: the others hear of a departure only when the leaver and its last hook are gone: the
    controller's cleanup of a dying unit is late.
    """
    early_departures: bool = False
    """On 4.0: the others may hear of a departure while the leaver still exists."""
    unheard_leavers: bool = False
    """On 4.0: the others do not hear what a dying unit writes."""
    goal_state: str = ""
    """The error of `goal-state`, as with a broken cross-model relation."""
