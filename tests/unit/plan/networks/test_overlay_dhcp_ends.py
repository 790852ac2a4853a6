# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The end of an overlay's DHCP on a machine that is not a member any more."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.unit.cutting import cut, cuts
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import (
    cluster_api,
    later,
    leaving,
    names,
    with_volume,
    without,
)

SEGMENT = {"network_mode": "vxlan", "network_name": "seg0", "network_ipv4": "10.9.0.1/24"}


def spread() -> ModelApp:
    """A cluster with an overlay."""
    return formed(3, **SEGMENT)


def leaver() -> tuple[ModelApp, str]:
    return leaving(spread(), "lxd/2"), "lxd/2"


def abandoned() -> tuple[ModelApp, str]:
    app, unit = leaver()
    app.options["on_remove"] = "abandon"
    return with_volume(app, "m2"), unit


@pytest.mark.parametrize("begin", [leaver, abandoned])
def test_a_machine_that_has_left_gives_out_no_addresses(begin: Callable[[], tuple[ModelApp, str]]):
    app, unit = begin()

    assert app.hook(unit).hold == ""
    assert names(app) == ["m0", "m1"]
    assert app.units[unit].machine.overlays_ == {}


@pytest.mark.parametrize("begin", [leaver, abandoned])
def test_it_gives_out_none_whenever_its_hook_was_killed(
    begin: Callable[[], tuple[ModelApp, str]],
):
    for cutter in cuts(begin):
        app, unit = begin()
        cut(app, unit, cutter)
        later(app, 60.0)
        for name in app.units.keys() - app.leaving:
            app.hook(name)
        held = [app.hook(unit).hold for _ in range(2)]
        assert not held[-1], cutter
        assert app.units[unit].machine.overlays_ == {}, cutter


def removed_as_dead() -> ModelApp:
    """The cluster has removed m2 while its machine was off. Its unit stays in Juju."""
    app = spread()
    without(app, "m2")
    cluster_api(app).members.remove("m2")
    for _ in range(2):
        app.hook("lxd/0")
    app.units["lxd/2"].server.reboot()
    return later(app, 60.0)


def test_a_machine_whose_member_was_removed_gives_out_no_addresses():
    app = removed_as_dead()

    statuses = [str(app.hook("lxd/2").status) for _ in range(3)]

    assert app.units["lxd/2"].machine.overlays_ == {}
    status = "blocked: the cluster removed this member: remove this unit, then add another"
    assert statuses[-1] == status
