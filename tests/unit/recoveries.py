# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Clusters without a quorum, and the action that recovers one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

import deadlines
from actions import recover_quorum, refusal
from state import peers
from state.view import Units
from tests.unit.model_units import ModelApp
from tests.unit.scenarios import later

LONG = deadlines.UNRESPONSIVE + 60


def dead(app: ModelApp, units: Iterable[str]) -> ModelApp:
    """Their machines are gone, and the others have noticed that LXD does not answer."""
    for name in units:
        app.units[name].server.power_off()
    later(app, 60)
    return hooks(app, set(app.units) - set(units))


def hooks(app: ModelApp, units: Iterable[str]) -> ModelApp:
    """Two hooks of each, some minutes apart."""
    for _ in range(2):
        for name in sorted(units):
            app.hook(name)
        later(app, LONG)
    return app


def given_up(app: ModelApp, units: Iterable[str]) -> ModelApp:
    """Juju has none of these units any more."""
    for name in list(units):
        app.remove(name)
    return app


def recover(app: ModelApp, unit: str, lost: str = "") -> str:
    """The action, and the data that it publishes."""
    view = replace(app.view(unit), units=Units(frozenset(app.units)))
    try:
        return recover_quorum.recover_quorum(
            view, app.units[unit].ports, lost, refusal.confirmation("recover", unit)
        )
    except recover_quorum.RecoveryRefused as refused:
        app.databags[unit] = peers.dump(refused.own)
        raise


def insist(app: ModelApp, unit: str, lost: str) -> str:
    """The action for members that Juju still has: the second try, after their time to answer."""
    with pytest.raises(recover_quorum.RecoveryRefused, match="so this asks them whether LXD works"):
        recover(app, unit, lost)
    later(app, deadlines.RECOVERY_ANSWER + 1)
    return recover(app, unit, lost)
