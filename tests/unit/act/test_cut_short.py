# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Each operation is interrupted at each of its steps once, and continued.

A hook is killed before one change of LXD, of snapd or of the disk, or right after it; or snapd is
busy. The result is always the same: the operation ends as if nothing had happened.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from state.facts import Device
from tests.unit.cutting import Cutter, cut, cuts
from tests.unit.deeds import later, leaving, locations, names, with_instance
from tests.unit.model_units import ModelApp, formed


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


@pytest.mark.parametrize("act", ACTS)
def test_an_act_that_was_cut_is_taken_up_again(act: Callable[[], tuple[ModelApp, str]]):
    tried = list(cuts(act))
    assert tried
    for cutter in tried:
        app, unit = act()
        cut(app, unit, cutter)
        if act is resetting:
            _refresh(app, app.cloud.version)
            later(app, 60.0)
        _ends_well(app, unit, cutter)


def _ends_well(app: ModelApp, unit: str, cutter: Cutter) -> None:
    if unit in app.leaving:
        held = [app.hook(unit).hold for _ in range(4)]
        assert not held[-1], f"{cutter}: {held[-1]}"
        assert (names(app), locations(app)["c1"] == "m2") == (["m0", "m1"], False), cutter
        return
    app.settle()
    states = {u: str(app.plan(u).status) for u in app.units}
    assert all(state.startswith("active") for state in states.values()), f"{cutter}: {states}"
    assert len(names(app)) == len(app.units), cutter
