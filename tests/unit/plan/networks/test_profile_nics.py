# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Instances that LXD could not give the default profile's first nic while they run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.lxd_model import by_hand
from tests.lxd_model import instances as model_instances
from tests.lxd_model.cloud import Fault
from tests.lxd_model.generations import NAMES
from tests.unit.cutting import cut, cuts
from tests.unit.findings import HEALTHY, nic, notes, statuses
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import api, changed, later, server, the_cluster

LACKS = "blocked: profile's nic missing in default/c1: lxc restart c1"
IN_TWO = "blocked: profile's nic missing in 2 instances: "


def unchanging(app: ModelApp, member: str, name: str = "c1") -> ModelApp:
    """A running virtual machine without a free slot."""
    instance = by_hand.launch(server(app, member), name, kind="virtual-machine")
    the_cluster(app).instances[instance.key] = replace(instance, fixed=True)
    return app


def given_a_nic(generation: str = "5.21", member: str = "m0") -> ModelApp:
    """The default profile gets its first nic while that machine runs."""
    app = unchanging(changed(formed(3, generation), network_mode="none"), member)
    return changed(app, network_mode="bridge")


def restarted(app: ModelApp, name: str) -> ModelApp:
    """The operator has restarted it, and the units have run their hooks."""
    api(app).instances.stop("default", name, 30)
    later(app, 5.0)
    api(app).instances.start("default", name)
    app.settle()
    return app


@pytest.mark.parametrize("generation", NAMES)
@pytest.mark.parametrize("member", ["m0", "m2"])
def test_the_status_names_it_until_it_is_restarted(generation: str, member: str):
    app = given_a_nic(generation, member)
    for _ in range(3):
        app.hook("lxd/0")
        assert statuses(app)["lxd/0"] == LACKS
    assert nic(app) == {"network": "lxdbr0"}

    restarted(app, "c1")

    assert statuses(app) == HEALTHY
    assert "without-nic" not in notes(app)


def test_an_instance_with_a_device_of_its_own_is_not_named():
    app = given_a_nic()

    none = {"eth0": {"type": "none"}}
    model_instances.set_devices(server(app, "m0"), ("default", "c1"), none, {})
    app.settle()

    assert statuses(app) == HEALTHY


@pytest.mark.parametrize("how", ["stop", "delete"])
def test_an_instance_that_does_not_run_is_not_named(how: str):
    app = given_a_nic()

    api(app).instances.stop("default", "c1", 30)
    if how == "delete":
        model_instances.delete(server(app, "m0"), ("default", "c1"))
    app.settle()

    assert statuses(app) == HEALTHY


def test_instances_that_lxd_has_not_told_the_other_members_about_are_named():
    """LXD tells the others only after all instances here have changed."""
    app = unchanging(changed(formed(3), network_mode="none"), "m0")
    by_hand.launch(server(app, "m1"), "c2")

    changed(app, network_mode="bridge")

    assert statuses(app)["lxd/0"].startswith(IN_TWO)


@pytest.mark.parametrize("generation", NAMES)
def test_instances_of_several_members_are_named(generation: str):
    """LXD's error names those of one member only."""
    app = unchanging(changed(formed(3, generation), network_mode="none"), "m1")
    unchanging(app, "m2", "c2")
    by_hand.launch(server(app, "m2"), "c3")

    changed(app, network_mode="bridge")

    assert statuses(app)["lxd/0"] == f"{IN_TWO}lxc restart c1"
    restarted(app, "c1")
    assert statuses(app)["lxd/0"] == LACKS.replace("c1", "c2")
    restarted(app, "c2")
    assert statuses(app) == HEALTHY


def unheard_at(app: ModelApp, request: str, member: str) -> None:
    """The coordinator does not reach the member during this request and its operation."""

    def fault(machine: str, call: str) -> Fault:
        if machine == server(app, "m0").machine and "/operations/" not in call:
            app.cloud.heal()
            if call == request:
                app.cloud.cut(machine, server(app, member).machine)
        return ""

    app.cloud.fault = fault


@pytest.mark.parametrize("generation", NAMES)
def test_instances_of_a_member_that_heard_nothing_are_named(generation: str):
    """LXD leaves out a member that does not answer, and reports no error (NotifyAlive)."""
    app = changed(formed(3, generation), network_mode="none")
    by_hand.launch(server(app, "m2"), "c1")
    by_hand.launch(server(app, "m1"), "c2")
    unheard_at(app, "PUT /1.0/profiles/NAME", "m2")

    app.options["network_mode"] = "bridge"
    app.hook("lxd/0")
    app.cloud.fault = lambda _machine, _call: ""
    app.cloud.heal()
    app.settle()

    assert statuses(app)["lxd/0"] == LACKS
    restarted(app, "c1")
    assert statuses(app) == HEALTHY


def about_to_get_a_nic() -> tuple[ModelApp, str]:
    """The operator has set the option; two of three running instances cannot have the nic."""
    app = unchanging(changed(formed(2), network_mode="none"), "m0")
    unchanging(app, "m1", "c2")
    by_hand.launch(server(app, "m0"), "c3")
    app.options["network_mode"] = "bridge"
    return app, "lxd/0"


def test_a_hook_that_is_killed_at_the_change_loses_none():
    for cutter in cuts(about_to_get_a_nic):
        app, unit = about_to_get_a_nic()
        cut(app, unit, cutter)

        app.settle()

        assert statuses(app)["lxd/0"] == f"{IN_TWO}lxc restart c1", str(cutter)


def test_without_a_nic_in_the_profile_nothing_is_lacking():
    app = given_a_nic()

    changed(app, network_mode="none")

    assert statuses(app) == HEALTHY
