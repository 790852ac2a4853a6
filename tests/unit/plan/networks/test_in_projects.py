# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Projects with names that URLs must quote: their instances stay where they are."""

from __future__ import annotations

import pytest

from actions.forget_lost import forget_lost
from lxd.client import Client
from lxd.http import api_path
from tests.lxd_model import by_hand
from tests.lxd_model.generations import NAMES
from tests.unit.findings import nic, root, statuses
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import changed, leaving, names, server, the_cluster, without

PROJECTS = ["team+a", "100%", "%2B", "é"]
OWN_VOLUMES = {"features.profiles": "false", "features.images": "false"}
"""The config of a project with the default project's profiles and images, and its own volumes."""


def with_instance_in(project: str, app: ModelApp, member: str) -> ModelApp:
    """A member has an instance in a new project."""
    by_hand.add_project(server(app, "m0"), project, OWN_VOLUMES)
    by_hand.launch(server(app, member), "c1", project=project)
    return app


@pytest.mark.parametrize("generation", NAMES)
@pytest.mark.parametrize("project", PROJECTS)
def test_another_network_and_pool_leave_its_instances_alone(project: str, generation: str):
    app = with_instance_in(project, formed(3, generation), "m1")

    changed(app, network_mode="vxlan", storage_backend="dir")

    assert statuses(app)["app"] == "active: 3 members, 3 voters"
    assert (nic(app)["network"], root(app)) == ("lxdbr0vxlan", "local-dir")
    own = the_cluster(app).instances[project, "c1"].devices
    assert own["eth0"]["network"] == "lxdbr0"
    assert own["root"]["pool"] == "local"


@pytest.mark.parametrize("generation", NAMES)
@pytest.mark.parametrize("project", PROJECTS)
def test_it_leaves_its_member_and_what_holds_it_is_named(project: str, generation: str):
    app = with_instance_in(project, formed(3, generation), "m2")
    machine = server(app, "m2")
    by_hand.add_volume(machine, "local", "da ta%2B", project=project)
    leaving(app, "lxd/2")

    held = app.hook("lxd/2").hold

    assert f"{project}/local/da ta%2B" in held
    path = api_path("storage-pools", "local", "volumes", "custom", "da ta%2B")
    Client(machine.lxd).change("DELETE", path, query={"project": project, "target": "m2"})
    assert app.hook("lxd/2").hold == ""
    assert names(app) == ["m0", "m1"]
    moved = the_cluster(app).instances[project, "c1"]
    assert (moved.location, moved.running) == ("m0", True)


@pytest.mark.parametrize("project", PROJECTS)
def test_what_was_lost_is_named_and_forgotten_by_its_name(project: str):
    app = with_instance_in(project, formed(4), "m3")
    without(app, "m3").remove("lxd/3")
    app.settle()

    assert f"lost with m3: {project}/c1" in str(app.plan("lxd/0").app_status)
    forget_lost(app.view("lxd/0"), app.units["lxd/0"].ports, f"{project}/c1")
    assert str(app.plan("lxd/0").app_status) == "active: 3 members, 3 voters"
