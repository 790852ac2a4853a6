"""Every act is cut at each of its steps once, and is taken up again.

A hook is killed before one change of LXD, of snapd or of the disk, or right after it; or snapd is
busy. What comes of it is always the same: the act ends as if nothing had happened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from lxd.api import LxdApi
from snap import SnapError
from tests.unit.deeds import later, leaving, locations, names, with_instance
from tests.unit.model_units import ModelApp, formed
from view import Device

MACHINE = frozenset(
    {"keep_key", "note_forming", "forget_forming", "note_failure", "note_identity", "kill_lxd"}
    | {"release", "empty_lxd", "wipe", "run_segment", "end_segment", "write_privately", "install"}
)
SNAP = frozenset({"install", "remove", "stop", "start", "reload"})
BUSY = SnapError('snap "lxd" has "refresh-snap" change in progress')


class Killed(BaseException):
    """The process of the hook is gone."""


@dataclass
class Cutter:
    """Cuts a hook at its step number `at`, counted from 1, before or after it."""

    at: int = 0
    after: bool = False
    busy: bool = False
    """snapd refuses that step, instead of a kill."""
    steps: list[str] = field(default_factory=list[str])

    def step(self, what: str, effect: Callable[[], Any]) -> Any:
        """Carries a step out, unless it is the one that is cut."""
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


class Cut:
    """Something outside, some of whose methods are steps."""

    def __init__(self, what: Any, name: str, methods: frozenset[str], cutter: Cutter) -> None:
        self._parts = what, name, methods, cutter

    def __getattr__(self, attribute: str) -> Any:
        what, name, methods, cutter = self._parts
        found = getattr(what, attribute)
        if attribute not in methods:
            return found

        def step(*given: Any) -> Any:
            return cutter.step(f"{name}.{attribute}", lambda: found(*given))

        return step


class CutPort:
    """LXD's port, each change of LXD is a step."""

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


def cut(app: ModelApp, unit: str, cutter: Cutter) -> None:
    """One hook of the unit, cut."""
    world = app.units[unit].world
    whole = world.lxd, world.machine, world.snap
    parts = (
        LxdApi(CutPort(app.units[unit].server.lxd, cutter)),  # pyright: ignore[reportArgumentType]
        Cut(world.machine, "machine", MACHINE, cutter),
        Cut(world.snap, "snap", SNAP, cutter),
    )
    for name, part in zip(("lxd", "machine", "snap"), parts, strict=True):
        object.__setattr__(world, name, part)
    try:
        app.hook(unit)
    except Killed:
        pass
    finally:
        for name, part in zip(("lxd", "machine", "snap"), whole, strict=True):
            object.__setattr__(world, name, part)


def founding() -> tuple[ModelApp, str]:
    app = ModelApp()
    app.add(0)
    app.hook("lxd/0")
    return app, "lxd/0"


def joining() -> tuple[ModelApp, str]:
    app = formed(1)
    app.add(1)
    for unit in ("lxd/1", "lxd/0", "lxd/0"):
        app.hook(unit)
    return app, "lxd/1"


def resetting() -> tuple[ModelApp, str]:
    """A join that LXD refuses half way: another member has another version by then."""
    app = formed(3)
    app.options["storage_devices"] = "/dev/sdb"
    app.add(3).machine.disks = [Device("/dev/sdb", 1 << 30)]
    for unit in ("lxd/3", "lxd/0", "lxd/2"):
        app.hook(unit)
    _refresh(app, f"{app.cloud.version}9")
    return app, "lxd/3"


def _refresh(app: ModelApp, version: str) -> None:
    server = app.units["lxd/1"].server
    server.version = version
    server.restart()


def admitting() -> tuple[ModelApp, str]:
    app = formed(1)
    app.add(1)
    app.hook("lxd/1")
    return app, "lxd/0"


def spreading() -> tuple[ModelApp, str]:
    app = formed(2)
    app.options |= {"network_mode": "vxlan", "network_name": "seg0", "storage_backend": "dir"}
    app.hook("lxd/1")  # It says by which interface its tunnels go.
    return app, "lxd/0"


def departing() -> tuple[ModelApp, str]:
    return leaving(with_instance(formed(3), "m2"), "lxd/2"), "lxd/2"


ACTS = [founding, joining, resetting, admitting, spreading, departing]


def cuts(act: Callable[[], tuple[ModelApp, str]]) -> Iterator[tuple[int, Cutter]]:
    """Every way to cut an act once."""
    app, unit = act()
    whole = Cutter()
    cut(app, unit, whole)
    for number, what in enumerate(whole.steps, 1):
        yield number, Cutter(number)
        yield number, Cutter(number, after=True)
        if what.startswith("snap"):
            yield number, Cutter(number, busy=True)


@pytest.mark.parametrize("act", ACTS)
def test_an_act_that_was_cut_is_taken_up_again(act: Callable[[], tuple[ModelApp, str]]):
    tried = list(cuts(act))
    assert tried
    for _, cutter in tried:
        app, unit = act()
        cut(app, unit, cutter)
        if act is resetting:
            _refresh(app, app.cloud.version)
            later(app, 60.0)
        told = f"{cutter.steps[cutter.at - 1 : cutter.at]} {cutter}"
        _ends_well(app, unit, told)


def _ends_well(app: ModelApp, unit: str, told: str) -> None:
    if unit in app.leaving:
        held = [app.hook(unit).hold for _ in range(4)]
        assert not held[-1], f"{told}: {held[-1]}"
        assert (names(app), locations(app)["c1"] == "m2") == (["m0", "m1"], False), told
        return
    app.settle()
    states = {u: str(app.plan(u).status) for u in app.units}
    assert all(state.startswith("active") for state in states.values()), f"{told}: {states}"
    assert len(names(app)) == len(app.units), told
