# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Executes the events of a schedule."""

from __future__ import annotations

from collections.abc import Callable

from tests.simulation.commands import Commands
from tests.simulation.faults import Faults
from tests.simulation.schedule import EXCHANGES, FAULTS, HANDS, SHARED, Happening


def happen(happening: Happening, faults: Faults, commands: Commands) -> None:
    """Does one event of the schedule, if it has a target."""
    if faults.site.engine.faults_over:
        return
    who = faults if happening.kind in FAULTS else commands
    if happening.kind in HANDS or happening.kind in SHARED:
        who = commands.hands
    elif happening.kind in EXCHANGES:
        who = commands.exchanges
    does: Callable[[Happening], str | None] = getattr(who, happening.kind.replace("-", "_"))
    description = does(happening)
    if description is not None:
        faults.site.ledger.happened += 1
        faults.site.engine.did[f"happens: {happening.kind}"] += 1
        faults.site.engine.note(f"*** {happening.kind} {description}", "")
