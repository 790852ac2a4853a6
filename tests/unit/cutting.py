# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Hooks that are killed at one of their steps, or where snapd is busy at that step.

A step is one change of LXD, of snapd, of the database's files or of the disk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from host.snap import SnapError
from lxd.api import LxdApi
from tests.unit.model_units import ModelApp

MACHINE = frozenset(
    {"keep_key", "note_forming", "forget_forming", "note_failure", "note_identity", "kill_lxd"}
    | {"release", "empty_lxd", "wipe", "run_overlay", "end_overlay", "write_privately", "write_ovn"}
    | {"install", "restore_folder", "gather", "end_volume", "delete_certificate", "note_units"}
    | {"note_moved_off", "forget_moved_off", "remove_bridge", "remove_pool_folder"}
)
DATABASE = frozenset({"backup", "backup_before", "recover", "end_recovery"})
SNAP = frozenset(
    {"install", "install_file", "install_version", "remove", "stop", "start", "reload"}
)
BUSY = SnapError('snap "lxd" has "refresh-snap" change in progress')


class Killed(BaseException):
    """The process of the hook is gone."""


@dataclass
class Cutter:
    """Interrupts a hook at its step number `at`, counted from 1, before or after it."""

    at: int = 0
    after: bool = False
    busy: bool = False
    """snapd refuses that step, instead of a kill."""
    steps: list[str] = field(default_factory=list[str])

    def __str__(self) -> str:
        place = "instead of" if self.busy else "after" if self.after else "before"
        steps = self.steps[self.at - 1 : self.at] or ["no step"]
        return f"cut {place} step {self.at}, {steps[0]}"

    def step(self, what: str, effect: Callable[[], Any]) -> Any:
        """Executes a step, unless it is the interrupted one."""
        self.steps.append(what)
        here = len(self.steps) == self.at
        if here and self.busy and what.startswith("snap"):
            raise BUSY
        if here and not self.busy and not self.after:
            raise Killed(what)
        result = effect()
        if here and not self.busy:
            raise Killed(what)
        return result

    def point(self, what: str) -> None:
        """A moment during a step, which is one more place to interrupt."""
        self.step(what, lambda: None)


class Cut:
    """An object outside with methods that are steps."""

    def __init__(self, what: Any, name: str, methods: frozenset[str], cutter: Cutter) -> None:
        self._parts = what, name, methods, cutter

    def __getattr__(self, attribute: str) -> Any:
        what, name, methods, cutter = self._parts
        found = getattr(what, attribute)
        if attribute not in methods:
            return found

        def step(*given: Any, **named: Any) -> Any:
            return cutter.step(f"{name}.{attribute}", lambda: found(*given, **named))

        return step


class CutPort:
    """LXD's port: each change of LXD is a step."""

    def __init__(self, port: Any, cutter: Cutter) -> None:
        self._port, self._cutter = port, cutter

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self._port, attribute)

    def send(self, request: Any, seconds: float) -> Any:
        """See `lxd.socket`."""
        if request.method == "GET":
            return self._port.send(request, seconds)
        what = f"{request.method} {request.path}"
        return self._cutter.step(what, lambda: self._port.send(request, seconds))


def cut(
    app: ModelApp, unit: str, cutter: Cutter, work: Callable[[str], object] | None = None
) -> None:
    """One interrupted hook of the unit; or its other `work`, such as an action."""
    ports, snap = app.units[unit].ports, app.units[unit].snap
    names = ("lxd", "machine", "snap", "database")
    whole = [getattr(ports, name) for name in names]
    parts = (
        LxdApi(CutPort(app.units[unit].server.lxd, cutter)),  # pyright: ignore[reportArgumentType]
        Cut(ports.machine, "machine", MACHINE, cutter),
        Cut(ports.snap, "snap", SNAP, cutter),
        Cut(ports.database, "database", DATABASE, cutter),
    )
    for name, part in zip(names, parts, strict=True):
        object.__setattr__(ports, name, part)
    snap.pause = app.units[unit].server.database.pause = cutter.point
    try:
        (work or app.hook)(unit)
    except Killed:
        pass
    finally:
        for name, part in zip(names, whole, strict=True):
            object.__setattr__(ports, name, part)


def cuts(
    act: Callable[[], tuple[ModelApp, str]], work: Callable[[ModelApp, str], object] | None = None
) -> Iterator[Cutter]:
    """Every way to interrupt an operation once: a hook of its unit, or `work`."""
    app, unit = act()
    whole = Cutter()
    cut(app, unit, whole, work and partial(work, app))
    for number, what in enumerate(whole.steps, 1):
        yield Cutter(number)
        yield Cutter(number, after=True)
        if what.startswith("snap"):
            yield Cutter(number, busy=True)
