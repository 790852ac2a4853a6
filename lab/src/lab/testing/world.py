# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A world for the model's tests: machines that start, and hooks that do what a test says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from lab.model.charm import CharmInfo, parse_charm
from lab.model.context import HookContext
from lab.model.hooks import HookRun
from lab.model.juju import Juju
from lab.model.rules import Rules
from lab.model.state import Interface, State

START = 1_000.0
Script = Callable[[HookContext], None]

CLUSTER: dict[str, Any] = {
    "name": "cluster",
    "peers": {"peers": {"interface": "cluster_peers"}},
    "provides": {"api": {"interface": "http"}},
    "requires": {"database": {"interface": "sql"}},
    "extra-bindings": {"public": None},
    "resources": {"image": {"type": "file", "filename": "image.bin"}},
}
STORING: dict[str, Any] = {
    **CLUSTER,
    "storage": {
        "data": {"type": "filesystem"},
        "disks": {"type": "block", "multiple": {"range": "0-2"}},
    },
}
DATABASE: dict[str, Any] = {"name": "database", "provides": {"db": {"interface": "sql"}}}
CONFIG: dict[str, Any] = {
    "options": {
        "mode": {"type": "string", "default": "auto"},
        "size": {"type": "int", "default": 3},
        "ratio": {"type": "float"},
        "fast": {"type": "boolean", "default": False},
        "token": {"type": "secret"},
    }
}
ACTIONS: dict[str, Any] = {
    "report": {"params": {"deep": {"type": "boolean", "default": False}}},
    "plan": None,
}


def charm(
    metadata: Mapping[str, Any] = CLUSTER, revision: int = 0, config: Mapping[str, Any] = CONFIG
) -> CharmInfo:
    """A charm that the model can deploy."""
    return parse_charm(metadata, config, ACTIONS, revision)


def interfaces(machine: str, last: int = 0) -> list[Interface]:
    """Two interfaces of a machine, one in each space."""
    number = int(machine) + 1 + last
    return [
        Interface("eth0", f"02:00:00:00:00:{number:02x}", "alpha", [f"10.99.0.{number}/24"]),
        Interface("eth1", f"02:00:00:00:01:{number:02x}", "internal", [f"10.99.1.{number}/24"]),
    ]


class World:
    """A model, a clock, and scripts for hooks; hooks without a script do nothing and succeed."""

    def __init__(self, rules: Rules = "4.0") -> None:
        self.juju = Juju(State())
        self.juju.state.model.rules = rules
        self.juju.state.model.spaces = ["alpha", "internal"]
        self.now = START
        self.scripts: dict[tuple[str, str], Script] = {}

    @property
    def state(self) -> State:
        """Everything that Juju knows."""
        return self.juju.state

    def deploy(
        self, app: str = "app", units: int = 3, info: CharmInfo | None = None, **wishes: Any
    ) -> None:
        """Deploy, with machines that come up at once."""
        self.juju.deploy(self.now, info or charm(), app, units, **wishes)
        self.machines_up()

    def settled(self, units: int = 3) -> World:
        """This world with an application `app` that has nothing left to do."""
        self.deploy(units=units)
        self.settle()
        return self

    def wait(self, seconds: float) -> None:
        """Let time pass, with everything that the clock causes."""
        self.now += seconds
        self.juju.take_out(self.now)
        self.juju.expire_leases(self.now)

    def force_out(self, unit: str) -> None:
        """Remove a unit by force and wait until it is gone."""
        self.juju.remove_unit(self.now, unit, force=True)
        self.wait(3)

    def machines_up(self) -> None:
        """Start all machines that Juju has asked for."""
        for machine in self.juju.machines_to_start():
            self.juju.machine_up(
                self.now, machine.id, f"juju-lab-{machine.id}", interfaces(machine.id)
            )

    def on(self, unit: str, hook: str, script: Script) -> None:
        """What a hook of a unit does from now on."""
        self.scripts[unit, hook] = script

    def begin(self, unit: str) -> HookContext:
        """Begin the unit's next hook. Raises JujuError when none is due."""
        return self.juju.start_hook(self.now, unit)

    def due(self, unit: str) -> HookRun | None:
        """The hook that the unit would run next, or None."""
        return self.juju.next_hook(self.now, unit)

    def due_name(self, unit: str) -> str:
        """The name of the next hook; empty for none."""
        run = self.due(unit)
        return run.name if run is not None else ""

    def step(self, unit: str) -> HookRun:
        """Run the unit's next hook, without error."""
        context = self.begin(unit)
        script = self.scripts.get((unit, context.run.name))
        if script is not None:
            script(context)
        self.juju.commit(self.now, context)
        return context.run

    def fail(self, unit: str) -> HookRun:
        """Run the unit's next hook, with an error."""
        context = self.begin(unit)
        self.juju.fail(self.now, context)
        return context.run

    def run(self, unit: str) -> list[HookRun]:
        """Run all that is due on one unit."""
        runs: list[HookRun] = []
        while self.due(unit) is not None:
            runs.append(self.step(unit))
            assert len(runs) < 1000, "the unit never comes to rest"
        return runs

    def settle(self) -> list[HookRun]:
        """Run all that is due, in turn."""
        runs: list[HookRun] = []
        while True:
            ready = [name for name in list(self.state.units) if self.due(name) is not None]
            if not ready:
                return runs
            runs.extend(self.step(name) for name in ready if self.due(name) is not None)
            assert len(runs) < 10_000, "the model never comes to rest"

    def write(self, unit: str, values: Mapping[str, str], *, app: bool = False) -> None:
        """Let a unit write to its peer data, in a separate hook."""
        self.juju.exec_command(self.now, unit, "true")
        context = self.begin(unit)
        relation = int(context.relation_ids("peers")[0].partition(":")[2])
        context.relation_set(values, relation, app=app)
        assert self.juju.commit(self.now, context) == "committed"

    def inside(self, unit: str) -> HookContext:
        """The context of a command on an idle unit."""
        self.juju.exec_command(self.now, unit, "true")
        return self.begin(unit)


def names(runs: Iterable[HookRun], unit: str = "") -> list[str]:
    """Names of hooks, of one unit or of all."""
    return [run.name for run in runs if unit in {"", run.unit}]


def kinds_and_units(runs: Iterable[HookRun]) -> list[tuple[str, str]]:
    """Kind and remote unit of hooks."""
    return [(run.kind, run.remote_unit) for run in runs]
