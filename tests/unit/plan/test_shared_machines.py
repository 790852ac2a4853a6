# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Two units on one machine, as `juju add-unit --to 0` makes them: LXD belongs to the first one."""

from __future__ import annotations

from dataclasses import replace

from lxd.api import LxdApi
from ports.ports import Ports
from tests.unit.model_units import ModelApp, ModelUnit, formed
from tests.unit.model_world import UnitMachine
from tests.unit.scenarios import leaving, locations, names, notes, with_instance
from values.status import Kind

BESIDE = "blocked: lxd/0 has this machine and its LXD: remove this unit"


def with_second_unit(app: ModelApp) -> ModelApp:
    """lxd/3 is on the machine of lxd/0."""
    first = app.units["lxd/0"]
    machine = UnitMachine(first.server, neighbour_="lxd/0", identity_=first.machine.identity_)
    shown_steps: list[str] = []
    ports = Ports(
        LxdApi(first.server.lxd),
        first.snap,
        machine,
        first.server.database,
        lambda: app.cloud.now,
        shown_steps.append,
    )
    app.enter(
        ModelUnit(
            "lxd/3",
            ports,
            first.address,
            server=first.server,
            snap=first.snap,
            machine=machine,
            shown_steps=shown_steps,
        )
    )
    return app


def test_the_second_unit_is_blocked_and_changes_nothing():
    app = with_second_unit(formed(3))
    before = notes(app)

    app.settle()

    assert str(app.plan("lxd/3").status) == BESIDE
    assert app.plan("lxd/0").status.kind is Kind.ACTIVE
    assert notes(app) == before
    assert not app.own("lxd/3").cluster


def test_the_second_unit_goes_without_the_member():
    """terraform-provider-juju issue 512: nothing keeps two units off one machine."""
    app = with_instance(with_second_unit(formed(3)), "m0")
    app.settle()
    leaving(app, "lxd/3")

    assert app.hook("lxd/3").hold == ""
    app.remove("lxd/3")
    app.settle()

    assert names(app) == ["m0", "m1", "m2"]
    assert locations(app) == {"c1": "m0"}
    assert str(app.plan("lxd/0").app_status) == "active: 3 members, 3 voters"


def test_the_second_unit_may_be_the_leader():
    app = with_second_unit(formed(3))
    app.leader = "lxd/3"

    app.settle()

    assert str(app.plan("lxd/3").app_status) == BESIDE
    assert names(app) == ["m0", "m1", "m2"]
    assert app.app().cluster


def test_a_cluster_forms_of_the_first_units_alone():
    app = ModelApp(cloud=formed(0).cloud)
    app.add(0)
    with_second_unit(app)
    app.add(1)

    app.settle()

    assert names(app) == ["m0", "m1"]
    assert str(app.plan("lxd/3").status) == BESIDE


def test_once_the_first_unit_has_gone_the_second_one_joins():
    app = with_second_unit(formed(3))
    app.settle()
    leaving(app, "lxd/0")
    assert app.hook("lxd/0").hold == ""
    app.remove("lxd/0")
    app.leader = "lxd/1"
    app.units["lxd/3"].machine = machine = UnitMachine(app.units["lxd/3"].server)
    ports = app.units["lxd/3"].ports
    app.units["lxd/3"].ports = replace(ports, machine=machine)

    app.settle()

    assert names(app) == ["m0", "m1", "m2"]
    assert app.plan("lxd/3").status.kind is Kind.ACTIVE
