# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Instances that LXD could not give the default profile's first nic while they run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.lxd_model import by_hand
from tests.lxd_model import instances as model_instances
from tests.lxd_model.generations import NAMES
from tests.unit.findings import HEALTHY, nic, notes, statuses
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import api, changed, later, server, the_cluster

LACKS = "blocked: profile's nic missing in default/c1: lxc restart c1"


def unchanging(app: ModelApp, member: str, name: str = "c1") -> ModelApp:
    """A running virtual machine without a free slot."""
    instance = by_hand.launch(server(app, member), name, kind="virtual-machine")
    the_cluster(app).instances[instance.key] = replace(instance, fixed=True)
    return app


def given_a_nic(generation: str = "5.21", member: str = "m0") -> ModelApp:
    """The default profile gets its first nic while that machine runs."""
    app = unchanging(changed(formed(3, generation), network_mode="none"), member)
    return changed(app, network_mode="bridge")


@pytest.mark.parametrize("generation", NAMES)
@pytest.mark.parametrize("member", ["m0", "m2"])
def test_the_status_names_it_until_it_is_restarted(generation: str, member: str):
    app = given_a_nic(generation, member)
    for _ in range(3):
        app.hook("lxd/0")
        assert statuses(app)["lxd/0"] == LACKS
    assert nic(app) == {"network": "lxdbr0"}

    api(app).instances.stop("default", "c1", 30)
    later(app, 5.0)
    api(app).instances.start("default", "c1")
    app.settle()

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

    assert statuses(app)["lxd/0"].startswith("blocked: profile's nic missing in 2 instances: ")


def test_without_a_nic_in_the_profile_nothing_is_lacking():
    app = given_a_nic()

    changed(app, network_mode="none")

    assert statuses(app) == HEALTHY
