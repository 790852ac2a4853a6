# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""LXD's daemon ends while it makes a bridge: the bridge stays, and LXD does not know it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from act.networks import create_network
from act.step import act
from lxd.errors import LxdError
from state.view import RunHistory
from steps.networks import CreateNetwork, RemoveLeftBridge
from tests.lxd_model.generations import NAMES
from tests.unit.findings import m1_in_errors
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import changed, names, the_cluster
from values.interface import Interface

LEFT = Interface("br7", bridge=True, made_by_lxd=True, inner=True)


def left_on(app: ModelApp, *units: str) -> ModelApp:
    for unit in units:
        app.units[unit].server.unfinished.add("br7")
    return app


@pytest.mark.parametrize("generation", NAMES)
@pytest.mark.parametrize("units", [("lxd/0",), ("lxd/1",), ("lxd/0", "lxd/1", "lxd/2")])
def test_a_network_is_made_although_a_bridge_of_its_name_was_left(
    units: tuple[str, ...], generation: str
):
    app = left_on(formed(3, generation), *units)

    changed(app, network_name="br7")
    app.settle()

    assert the_cluster(app).networks["br7"].status == "Created"
    assert not any(unit.server.unfinished for unit in app.units.values())


KEPT: list[tuple[str, dict[str, Any], tuple[Interface, ...]]] = [
    ("no option asks for it", {}, (LEFT,)),
    ("another program made it", {"network_name": "br7"}, (replace(LEFT, made_by_lxd=False),)),
    ("it leads to a card", {"network_name": "br7"}, (replace(LEFT, inner=False),)),
    (
        "it has a VLAN",
        {"network_name": "br7"},
        (LEFT, Interface("br7.10", base="br7")),
    ),
    (
        "something is connected to it",
        {"network_name": "br7"},
        (LEFT, Interface("tap3", master="br7")),
    ),
]


@pytest.mark.parametrize(("options", "interfaces"), [pytest.param(o, i, id=n) for n, o, i in KEPT])
def test_any_other_bridge_stays(options: dict[str, Any], interfaces: tuple[Interface, ...]):
    app = formed(3)
    app.options |= options
    app.units["lxd/1"].machine.interfaces_ = list(interfaces)

    plan = app.plan("lxd/1")

    assert not [step for step in plan.steps if isinstance(step, RemoveLeftBridge)]


@pytest.mark.parametrize("unit", ["lxd/0", "lxd/1"])
def test_the_interfaces_that_lxd_made_beside_its_bridge_go_with_it(unit: str):
    app = left_on(formed(3), unit)
    beside = Interface("br7-mtu", master="br7", made_by_lxd=True)
    app.units[unit].machine.interfaces_ = [beside]

    changed(app, network_name="br7", network_mtu=1400)
    app.settle()

    assert the_cluster(app).networks["br7"].status == "Created"
    assert "br7-mtu" not in app.units[unit].server.interfaces


def test_another_bridge_of_lxds_and_what_is_beside_that_one_stay():
    app = left_on(formed(3), "lxd/1")
    app.options["network_name"] = "br7"
    other = Interface("br7-a", bridge=True, made_by_lxd=True, inner=True)
    beside = [
        Interface(f"br7-a-{part}", master="br7-a", made_by_lxd=True) for part in ("lxd", "mtu")
    ]
    app.units["lxd/1"].machine.interfaces_ = [other, *beside]

    plan = app.plan("lxd/1")

    assert RemoveLeftBridge("br7") in plan.steps


def test_a_bridge_stays_if_its_network_was_begun_since_the_plan():
    app = formed(3)
    step, lxd = RemoveLeftBridge("lxdbr0"), app.units["lxd/1"]
    lxd.server.unfinished.add("lxdbr0")

    act(step, "lxd/1", lxd.ports, RunHistory())

    assert "lxdbr0" in lxd.server.unfinished


@pytest.mark.parametrize("generation", NAMES)
def test_the_status_says_what_helps(generation: str):
    app = formed(3, generation)
    app.units["lxd/1"].server.left.add("br7")
    app.options["network_name"] = "br7"
    for unit in ("lxd/1", "lxd/2"):
        app.hook(unit)

    status = str(app.hook("lxd/0").status)

    assert status.endswith(f"bridge network br7: already on {m1_in_errors(generation)}; rename it")


@pytest.mark.parametrize("generation", NAMES)
@pytest.mark.parametrize("unit", ["lxd/0", "lxd/1"])
def test_the_error_says_which_machine_has_the_interface(unit: str, generation: str):
    app = formed(3, generation)
    app.units[unit].server.left.add("br7")
    step = CreateNetwork("br7", "bridge", {}, {name: {} for name in names(app)})
    place = {"lxd/0": "this machine", "lxd/1": m1_in_errors(generation)}[unit]

    with pytest.raises(LxdError, match=f"^already on {place}; rename it$"):
        create_network(step, "lxd/0", app.units["lxd/0"].ports, RunHistory())
