"""Units of one application in memory, on the model of LXD."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.application import Application, Unit
from tests.unit.model_world import ModelCluster, ModelLxd, ModelMachine, ModelSnap
from world import World


@dataclass
class ModelUnit(Unit):
    """One unit and its machine."""

    lxd: ModelLxd = field(kw_only=True)
    snap: ModelSnap = field(kw_only=True)
    machine: ModelMachine = field(kw_only=True)


@dataclass
class ModelApp(Application[ModelUnit]):
    """All units, and the clusters that their LXDs are in."""

    clusters: dict[str, ModelCluster] = field(default_factory=dict[str, ModelCluster])
    now: float = 1000.0

    def add(self, number: int, hostname: str = "") -> ModelUnit:
        """One more unit, on a machine of its own."""
        name = f"lxd/{number}"
        lxd = ModelLxd(name, self.clusters)
        machine = ModelMachine(hostname or f"m{number}", lxd)
        snap = ModelSnap()
        world = World(lxd, snap, machine, lambda: self.now, lambda _: None)
        address = f"10.0.0.{number + 1}"
        return self.enter(ModelUnit(name, world, address, lxd=lxd, snap=snap, machine=machine))


def formed(count: int, **options: Any) -> ModelApp:
    """An application whose units are all members."""
    app = ModelApp(options=options)
    for number in range(count):
        app.add(number)
    app.settle()
    return app
