# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Units of one application in memory, on the model of LXD."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lxd.api import LxdApi
from ports.ports import Ports
from tests.application import Application, Unit
from tests.lxd_model.cloud import Cloud
from tests.lxd_model.server import Server
from tests.unit.model_world import UnitMachine, UnitSnap


@dataclass
class ModelUnit(Unit):
    """One unit and its machine."""

    server: Server = field(kw_only=True)
    snap: UnitSnap = field(kw_only=True)
    machine: UnitMachine = field(kw_only=True)
    shown_steps: list[str] = field(kw_only=True)
    """What its hooks have shown the operator: each of their steps."""


@dataclass
class ModelApp(Application[ModelUnit]):
    """All units, and the cloud of their machines."""

    cloud: Cloud = field(default_factory=Cloud)

    def add(self, number: int, hostname: str = "") -> ModelUnit:
        """One more unit, on its own machine."""
        name, address = f"lxd/{number}", f"10.0.0.{number + 1}"
        server = self.cloud.add(str(len(self.cloud.servers)), hostname or f"m{number}", address)
        machine, snap = UnitMachine(server), UnitSnap(server)
        shown_steps: list[str] = []
        world = Ports(
            LxdApi(server.lxd),
            snap,
            machine,
            server.database,
            lambda: self.cloud.now + server.ahead,
            shown_steps.append,
        )
        return self.enter(
            ModelUnit(
                name,
                world,
                address,
                server=server,
                snap=snap,
                machine=machine,
                shown_steps=shown_steps,
            )
        )


def formed(count: int, generation: str = "5.21", **options: Any) -> ModelApp:
    """An application whose units are all members."""
    app = ModelApp(options=options, cloud=Cloud(generation=generation))
    for number in range(count):
        app.add(number)
    app.settle()
    return app
