# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The results of a leaving unit's plan: it may go, it has steps to do, or it is held."""

from __future__ import annotations

from steps.plan import Plan, Step
from values.status import Status, waiting


def has_left() -> Plan:
    """The plan of a unit that may go."""
    return Plan(waiting("has left the cluster"))


def with_steps(*steps: Step) -> Plan:
    """The plan of a unit that takes these steps, and then plans again."""
    return Plan(waiting("to leave the cluster"), steps)


def held(status: Status, why: str = "") -> Plan:
    """The plan of a unit that stays for now. `why` is for the log."""
    return Plan(status, hold=why or status.message)
