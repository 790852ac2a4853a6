# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A running model: the model of Juju behind one lock, on disk after every change."""

from __future__ import annotations

import contextlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter

from lab.controller.debug_log import DebugLog
from lab.controller.host_provider import Host, HostProvider
from lab.machines import network
from lab.machines.programs import MachineError
from lab.model.constraints import VirtType, virt_type
from lab.model.juju import Juju
from lab.model.rules import rules_asked_for
from lab.model.state import State

_STATE = TypeAdapter(State)
Result = TypeVar("Result")
# Machine 0 is in the first zone, machine 1 in the second, and so on in turn.
ZONES = ("zone-1", "zone-2", "zone-3")


@dataclass(frozen=True)
class HookFigures:
    """The cost of one run of a hook, action or command."""

    unit: str
    hook: str
    outcome: str
    started: float
    seconds: float
    cpu_seconds: float


@dataclass
class Wishes:
    """Requests of tests and operators to the agents. They are lost when the controller dies."""

    held: dict[str, str] = field(default_factory=dict[str, str])
    """By unit: the name (a glob) of the hooks that it must not start."""
    at_hold: dict[str, str] = field(default_factory=dict[str, str])
    """By unit: the hook that it is held before."""
    reboot: set[str] = field(default_factory=set[str])
    power_on: set[str] = field(default_factory=set[str])


class ModelStore:
    """Holds one model: its state, its log, its files, and the threads that wait for changes."""

    def __init__(self, folder: Path, name: str, provider: HostProvider) -> None:
        """Load the model from its folder, or begin an empty one there.

        Raises MachineError when no range of machine numbers is free for it.
        """
        self._first = _range(folder, provider) * network.MODEL_NUMBERS
        self.folder = folder
        self.name = name
        self.provider = provider
        self.wishes = Wishes()
        self.closing = False
        self._changed = threading.Condition()
        self._clock = 0.0
        for part in ("charms", "resources", "running"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        self.log = DebugLog(folder / "debug.log")
        self._state_file = folder / "state.json"
        if self._state_file.exists():
            self._juju = Juju(_STATE.validate_json(self._state_file.read_bytes()))
        else:
            self._juju = Juju(self._new_state())
        with self.changing() as juju:
            for unit in juju.state.units.values():
                if unit.running:
                    juju.kill_running(self.now(), unit.name)

    def _new_state(self) -> State:
        state = State()
        state.model.name = self.name
        state.model.rules = rules_asked_for()
        token = secrets.token_hex(16)
        state.model.uuid = f"{token[:8]}-{token[8:12]}-4{token[13:16]}-8{token[17:20]}-{token[20:]}"
        state.model.created = self.now()
        state.model.spaces = list(self.provider.spaces)
        state.model.zones = list(ZONES)
        return state

    def kind(self, machine: str) -> VirtType:
        """The kind of a machine; a container if the model no longer has the machine."""
        with self.looking() as juju:
            machine_state = juju.state.machines.get(machine)
            return virt_type(machine_state.constraints) if machine_state else "container"

    def host(self, machine: str) -> Host:
        """The machine with that id. Raises MachineError if the model's numbers are used up."""
        number = int(machine)
        if number >= network.MODEL_NUMBERS:
            raise MachineError(
                f"machine {machine}: a model of the lab has had {network.MODEL_NUMBERS} machines:"
                " destroy it and begin another"
            )
        return self.provider.host(self._first + number, self.kind(machine))

    def now(self) -> float:
        """The time in seconds since the epoch; it never goes back."""
        self._clock = max(self._clock, time.time())
        return self._clock

    @contextlib.contextmanager
    def looking(self) -> Generator[Juju]:
        """The model, for reading only. It does not change meanwhile."""
        with self._changed:
            yield self._juju
            self._write_log()

    @contextlib.contextmanager
    def changing(self) -> Generator[Juju]:
        """The model, to change it. The end of the block saves it and wakes all waiting threads."""
        with self._changed:
            try:
                yield self._juju
            finally:
                self._write_log()
                self._save()
                self._changed.notify_all()

    def wake(self) -> None:
        """Wake all waiting threads: a request has changed."""
        with self._changed:
            self._changed.notify_all()

    def wait_until(self, check: Callable[[Juju], Result | None], timeout: float) -> Result | None:
        """Wait until `check` returns something, for at most `timeout` seconds; None if it does not.

        `check` runs whenever the model changes, under the model's lock.
        """
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                result = check(self._juju)
                left = deadline - time.monotonic()
                if result is not None or left <= 0:
                    return result
                self._changed.wait(left)

    def rest(self, timeout: float) -> None:
        """Sleep until the model changes, for at most `timeout` seconds."""
        with self._changed:
            self._changed.wait(timeout)

    def record(self, figures: HookFigures) -> None:
        """Add a hook's figures to hooks.jsonl."""
        with (self.folder / "hooks.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(figures)) + "\n")

    def figures(self) -> list[HookFigures]:
        """The figures of all hooks that have run, oldest first."""
        try:
            lines = (self.folder / "hooks.jsonl").read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []
        return [HookFigures(**json.loads(line)) for line in lines]

    def say(self, entity: str, message: str, level: str = "INFO") -> None:
        """Write a line of the agents to the debug log; `entity` as in `DebugLog`."""
        self.log.write(entity, level, "juju.worker", message)

    def _write_log(self) -> None:
        """Move the model's log lines to the files, so that the state stays small."""
        state = self._juju.state
        for line in state.log:
            self.log.write(line.entity, line.level, line.module, line.message)
        state.log.clear()
        state.history.clear()

    def _save(self) -> None:
        # After the rename, the file is either complete or absent. No fsync: the file need not
        # survive a crash of the computer, because the machines do not survive it either.
        partial = self._state_file.with_suffix(".new")
        partial.write_bytes(_STATE.dump_json(self._juju.state))
        partial.replace(self._state_file)


def _range(folder: Path, provider: HostProvider) -> int:
    """The model's range of machine numbers, taken when it begins and kept for its lifetime."""
    file = folder / "range"
    if not file.exists():
        file.write_text(f"{provider.take_range(folder)}\n")
    return int(file.read_text())
