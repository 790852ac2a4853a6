# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Requests that read a model without changing it, by the names of the command line's verbs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lab.controller import views
from lab.controller.model_store import ModelStore
from lab.controller.packed_charms import read_charm
from lab.model.errors import JujuError

Json = dict[str, Any]


class Queries:
    """Answers about one model. Unknown names raise JujuError."""

    def __init__(self, store: ModelStore) -> None:
        self._store = store

    def status(self) -> Json:
        """`juju status`."""
        with self._store.looking() as juju:
            return juju.status(self._store.now())

    def config(self, app: str) -> Json:
        """`juju config APP`."""
        with self._store.looking() as juju:
            return views.config(juju, app)

    def spaces(self) -> dict[str, list[str]]:
        """`juju spaces`: the subnets of each."""
        with self._store.looking() as juju:
            names = list(juju.state.model.spaces)
        subnets = self._store.provider.subnets
        return {name: list(subnets.get(name, ())) for name in names}

    def actions(self, app: str) -> Json:
        """`juju actions APP --schema`."""
        with self._store.looking() as juju:
            return views.actions(juju, app)

    def model_config(self) -> Json:
        """`juju model-config`."""
        with self._store.looking() as juju:
            return views.model_config(juju)

    def show_unit(self, units: Sequence[str]) -> Json:
        """`juju show-unit`."""
        with self._store.looking() as juju:
            return views.show_units(juju, units, self._store.now())

    def show_application(self, apps: Sequence[str]) -> Json:
        """`juju show-application`."""
        with self._store.looking() as juju:
            return views.show_applications(juju, apps)

    def show_model(self) -> Json:
        """`juju show-model`."""
        with self._store.looking() as juju:
            return views.show_model(juju)

    def resources(self, app: str) -> list[Json]:
        """`juju resources APP`."""
        with self._store.looking() as juju:
            return views.resources(juju, app)

    def secrets(self, owner: str | None) -> Json:
        """`juju secrets`."""
        with self._store.looking() as juju:
            return views.secrets(juju, owner)

    def show_secret(self, identifier: str, reveal: bool, revision: int | None) -> Json:
        """`juju show-secret`."""
        with self._store.looking() as juju:
            return views.show_secret(juju, identifier, reveal, revision)

    def debug_log(self) -> Json:
        """The path of the debug log: the command line reads the file itself."""
        return {"path": str(self._store.log.path)}

    def show_hooks(self, unit: str | None) -> list[Json]:
        """The cost of the hooks of one unit, or of all."""
        return [
            asdict(figures) for figures in self._store.figures() if unit in (None, figures.unit)
        ]

    def inspect_charm(self, path: str) -> Json:
        """The name of the charm in a .charm file."""
        return {"name": read_charm(Path(path), 0).name}

    def enter(self, target: str, argv: Sequence[str]) -> Json:
        """The computer's command line that runs `argv` on a machine, or on a unit's machine."""
        with self._store.looking() as juju:
            machine = target
            if "/" in target:
                machine = juju.state.units[juju.resolve_unit(target)].machine
            if machine not in juju.state.machines:
                raise JujuError(f"machine {machine} not found")
        host = self._store.host(machine)
        return {"argv": host.command(argv, {"TERM": "xterm-256color"}, "/root")}
