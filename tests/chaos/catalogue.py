# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""All faults, in the order that needs the least work between them."""

from __future__ import annotations

from tests.chaos import changing, devices, forming, growing, leaving, running
from tests.chaos.fault import Fault

FAULTS: tuple[Fault, ...] = (
    *forming.FAULTS,
    *running.FAULTS,
    *changing.FAULTS,
    *devices.FAULTS,
    # After each fault that adds a unit comes one that removes a unit.
    *(fault for pair in zip(growing.FAULTS, leaving.FAULTS, strict=False) for fault in pair),
    *growing.FAULTS[len(leaving.FAULTS) :],
    *leaving.FAULTS[len(growing.FAULTS) :],
)
"""Names are unique."""


def named(name: str) -> Fault:
    """The fault of that name. Raises KeyError."""
    return {fault.name: fault for fault in FAULTS}[name]
