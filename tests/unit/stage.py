# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The charm in one unit of an application in memory, as Juju runs it."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import pytest
from ops import hookcmds, testing
from ops.hookcmds import Goal, GoalState

import charm
import tests.ops_testing  # noqa: F401  # pyright: ignore[reportUnusedImport]
from ports.ports import Ports
from tests.unit.model_units import ModelApp, ModelUnit

PEER = "cluster"


class Stage:
    """The charm on one unit of a model application."""

    def __init__(self, app: ModelApp, unit: ModelUnit, monkeypatch: pytest.MonkeyPatch) -> None:
        self.app = app
        self.unit = unit
        number = int(unit.name.split("/")[1])
        monkeypatch.setattr(charm, "Ports", self._ports)
        monkeypatch.setattr(hookcmds, "goal_state", self._goal_state)
        self.context = testing.Context(charm.LxdClusterCharm, unit_id=number, app_name="lxd")
        others = {int(n.split("/")[1]): d for n, d in app.databags.items() if n != unit.name}
        self.relation = testing.PeerRelation(
            PEER,
            peers_data={number: dict(data) for number, data in others.items()},
            local_unit_data=dict(app.databags[unit.name]),
            local_app_data=dict(app.app_data),
        )

    def _ports(self, *parts: Any) -> Ports:
        """The unit's ports instead of the real one: only the last part of that is the charm's."""
        return replace(self.unit.ports, show_progress=parts[-2], is_gone=parts[-1])

    def _goal_state(self) -> GoalState:
        now = datetime.now(timezone.utc)
        goals = {
            name: Goal(status="dying" if name in self.app.leaving else "active", since=now)
            for name in self.app.units
        }
        return GoalState(units=goals, relations={})

    def state(self, **more: object) -> testing.State:
        """Juju's state for the unit."""
        values: dict[str, object] = {
            "leader": self.unit.name == self.app.leader,
            "relations": {self.relation},
            "networks": {
                testing.Network(name, [testing.BindAddress([testing.Address(self.unit.address)])])
                for name in (PEER, "https")
            },
            "planned_units": len(self.app.units),
            "resources": {testing.Resource(name="lxd-snap", path=os.devnull)},
        }
        return testing.State(**(values | more))  # pyright: ignore[reportArgumentType]
