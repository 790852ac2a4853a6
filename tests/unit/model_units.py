# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Units of one application in memory, on the model of LXD."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

from lxd.api import LxdApi
from ports.ports import Ports
from tests.application import Application, Unit
from tests.lxd_model.cloud import Cloud
from tests.lxd_model.server import Server
from tests.unit.model_world import UnitMachine, UnitSnap


@dataclass(frozen=True)
class _Clock:
    """The time on a server, in seconds since the epoch."""

    server: Server

    def __call__(self) -> float:
        return self.server.cloud.now + self.server.ahead


@dataclass(frozen=True)
class _Progress:
    """Keeps what a hook shows the operator."""

    shown_steps: list[str]

    def __call__(self, text: str) -> None:
        self.shown_steps.append(text)


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
            _Clock(server),
            _Progress(shown_steps),
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


_saved: dict[str, ModelApp] = {}
"""By arguments: an application that formed before."""
_may_copy = False


def begin_test(*, may_copy: bool) -> None:
    """Before each test. `may_copy` is whether `formed` may copy an earlier test's application."""
    global _may_copy  # noqa: PLW0603
    _may_copy = may_copy


def formed(count: int, generation: str = "5.21", **options: Any) -> ModelApp:
    """An application whose units are all members: 2 ms for a copy, 50 ms for one that forms.

    Copies with the same arguments are the same cluster.
    """
    if not _may_copy:
        return _forming(count, generation, options)
    key = repr((count, generation, sorted(options.items())))
    if key not in _saved:
        _saved[key] = _forming(count, generation, options)
    return copy.deepcopy(_saved[key])


def _forming(count: int, generation: str, options: dict[str, Any]) -> ModelApp:
    app = ModelApp(options=options, cloud=Cloud(generation=generation))
    for number in range(count):
        app.add(number)
    app.settle()
    return app
