# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The results of a leaving unit's plan: it may go, it has steps to do, or it is held."""

from __future__ import annotations

from steps.plan import Plan, Step
from values.status import Status, waiting


def has_left() -> Plan:
    """Nothing keeps the unit."""
    return Plan(waiting("has left the cluster"))


def with_steps(*steps: Step) -> Plan:
    """The unit does this, and looks again."""
    return Plan(waiting("to leave the cluster"), steps)


def held(status: Status, why: str = "") -> Plan:
    """The unit stays for now, with the reason for the log."""
    return Plan(status, hold=why or status.message)
