# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The charm on the real ops in this process; the lab's model of Juju answers its hook tools."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import ops
import pytest
import yaml
from ops import _main  # pyright: ignore[reportPrivateUsage]
from ops.hookcmds import _utils  # pyright: ignore[reportPrivateUsage]

import charm
from hooks.input_reader import PEERS
from lab.controller.tool_call import Call, ToolReply
from lab.controller.tools import run_tool
from lab.model.charm import CharmInfo, parse_charm
from lab.model.context import HookContext
from lab.model.state import Interface, Resource
from lab.testing.world import World
from ports.ports import Ports
from tests.unit.model_units import ModelApp

ROOT = Path(__file__).parents[2]
FILES = ("metadata.yaml", "config.yaml", "actions.yaml")
APP = "lxd"
SNAP = Resource("lxd-snap", revision=1, size=120_000_000, filename="lxd.snap")


@dataclass
class Called:
    """One call of a hook tool."""

    words: tuple[str, ...]
    out: int
    """Bytes that it printed."""
    file: int = 0
    """Bytes of the file that the agent hashes for it."""

    @property
    def tool(self) -> str:
        """Its name."""
        return self.words[0]


@dataclass
class Done:
    """The result of a hook or an action."""

    calls: list[Called]
    results: dict[str, str] = field(default_factory=dict[str, str])
    failure: str = ""

    def count(self, tool: str) -> int:
        """How often a tool was called."""
        return sum(called.tool == tool for called in self.calls)


class HookTools:
    """An application of the unit tests in the lab's model of Juju."""

    def __init__(
        self,
        app: ModelApp,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
        resource: Resource | None = None,
    ) -> None:
        self.app = app
        self.failing: dict[str, str] = {}
        """By the beginning of a tool's command line: its message when it fails."""
        self._folder = folder
        self._patch = monkeypatch
        for name in FILES:
            (folder / name).symlink_to(ROOT / name)
        self.world = World()
        self.juju = self.world.juju
        resources = (resource,) if resource else ()
        self.juju.deploy(self.world.now, _info(), APP, len(app.units), resources=resources)
        for machine in self.juju.machines_to_start():
            address = f"10.0.0.{int(machine.id) + 1}/24"
            interface = Interface("eth0", f"02:00:00:00:00:0{machine.id}", "alpha", [address])
            self.juju.machine_up(self.world.now, machine.id, f"m{machine.id}", [interface])
        self.world.settle()
        for unit, data in app.databags.items():
            self._write(unit, data, app.app_data if unit == app.leader else {})
        self.world.settle()

    def _write(self, unit: str, data: dict[str, str], app_data: dict[str, str]) -> None:
        context = self.world.inside(unit)
        relation = int(context.relation_ids(PEERS)[0].partition(":")[2])
        context.relation_set(data, relation)
        if app_data:
            context.relation_set(app_data, relation, app=True)
        assert self.juju.commit(self.world.now, context) == "committed"

    def hook(self, unit: str, name: str = "update-status") -> Done:
        """Runs the charm for a hook, on an idle unit."""
        context = self.world.inside(unit)
        variables = {"JUJU_DISPATCH_PATH": f"hooks/{name}", "JUJU_HOOK_NAME": name}
        return self._run(context, variables)

    def action(self, unit: str, name: str, params: Mapping[str, object]) -> Done:
        """An action, with the parameters that the charm gets."""
        self.juju.run_action(self.world.now, unit, name, params)
        return self._run(self.world.begin(unit), {})

    def status(self, unit: str) -> str:
        """The status of a unit in `juju status`."""
        shown = self.juju.state.units[unit].workload
        return f"{shown.current}: {shown.message}"

    def app_status(self) -> str:
        """The same of the application."""
        status = self.juju.state.applications[APP].status
        return f"{status.current}: {status.message}" if status else ""

    def _run(self, context: HookContext, variables: dict[str, str]) -> Done:
        done = Done([])
        environment = self.juju.environment(context.run) | variables
        with self._patch.context() as patch:
            for key, value in environment.items():
                patch.setenv(key, value)
            patch.setenv("JUJU_CHARM_DIR", str(self._folder))
            # ops sets it itself, so the test removes it again.
            patch.setenv("OPERATOR_DISPATCH", "")
            patch.delenv("OPERATOR_DISPATCH")

            def tool(words: Sequence[str], **more: Any) -> Any:
                return self._tool(context, words, done, more.get("input"))

            def ports(*parts: Any) -> Ports:
                # The unit's ports instead of the real ones: the last two parts are the charm's.
                own = self.app.units[context.unit].ports
                return replace(own, show_progress=parts[-2], is_gone=parts[-1])

            error = subprocess.CalledProcessError
            tools = SimpleNamespace(run=tool, CalledProcessError=error)
            patch.setattr(_utils, "subprocess", tools)
            patch.setattr(charm, "Ports", ports)
            try:
                _dispatch()
            except Exception as error:
                self.juju.fail(self.world.now, context, str(error))
                raise
        self.juju.commit(self.world.now, context)
        done.results = context.action_results
        done.failure = context.action_failure or ""
        return done

    def _tool(
        self, context: HookContext, words: Sequence[str], done: Done, given: str | None
    ) -> Any:
        line = " ".join(words)
        failed = next((t for start, t in self.failing.items() if line.startswith(start)), None)
        fetched: list[int] = []

        def fetch(resource: Resource) -> str:
            fetched.append(resource.size)
            return resource.path

        call = Call(context, self.world.now, {"-": given or ""}, fetch)
        if failed is not None:
            reply = ToolReply("", failed, 1)
        else:
            reply = run_tool(words[0], list(words[1:]), call)
        done.calls.append(Called(tuple(words), len(reply.stdout), sum(fetched)))
        if reply.code:
            raise subprocess.CalledProcessError(reply.code, list(words), reply.stdout, reply.stderr)
        return SimpleNamespace(stdout=reply.stdout)


def _fresh() -> type[charm.LxdClusterCharm]:
    """The charm as in a separate process: ops defines its events on the class, once."""

    class Events(ops.CharmEvents):
        pass

    class Fresh(charm.LxdClusterCharm):
        on = Events()

    return Fresh


def _dispatch() -> None:
    """The work of ops.main. Elsewhere its log uses juju-log for the process's whole lifetime."""
    root = logging.getLogger()
    handlers, hook = list(root.handlers), sys.excepthook
    try:
        _main.main(_fresh())
    finally:
        root.handlers[:], sys.excepthook = handlers, hook


def _info() -> CharmInfo:
    metadata, config, actions = (yaml.safe_load((ROOT / name).read_text()) for name in FILES)
    return parse_charm(metadata, config, actions, 0)


def tools_for(app: ModelApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HookTools:
    """The application in Juju. The attached snap is empty: none."""
    attached = tmp_path / "lxd.snap"
    attached.touch()
    folder = tmp_path / "charm"
    folder.mkdir()
    return HookTools(app, folder, monkeypatch, replace(SNAP, path=str(attached)))
