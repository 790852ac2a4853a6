# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""LXD refuses every join for some restrictions of a project: the units wait outside.

`Missing network "quiet" in project "default"` (measured on 5.0.2 and 6.9); `Cluster group "g1" not
found` (measured on 5.21.7 and 6.9; 5.0.2 joins).
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from lxd.client import Client
from lxd.http import api_path
from tests.lxd_model import by_hand
from tests.lxd_model.generations import NAMES
from tests.unit.findings import statuses
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import changed, later, names, server
from values import lxd_versions

ACCESS, NIC = "restricted.networks.access", "restricted.devices.nic"


def set_project(app: ModelApp, project: str, keys: Mapping[str, str]) -> ModelApp:
    """The operator has set these keys of a project."""
    client, path = Client(server(app, "m0").lxd), api_path("projects", project)
    before = client.get(path)["config"]
    client.change("PUT", path, {"config": {**before, **keys}})
    return app


def with_hidden(keys: Mapping[str, str], generation: str = "5.21") -> ModelApp:
    """A cluster that hides `quiet`, and one more unit."""
    app = changed(formed(3, generation), networks="{quiet: bridge}")
    set_project(app, "default", {"restricted": "true", **keys})
    app.add(3)
    app.settle()
    return app


@pytest.mark.parametrize("generation", NAMES)
def test_a_unit_waits_outside_while_a_network_is_hidden(generation: str):
    app = with_hidden({ACCESS: "lxdbr0"}, generation)

    why = "project default hides quiet: add it to its restricted.networks.access"
    assert statuses(app)["lxd/3"] == f"blocked: {why}"
    assert app.units["lxd/3"].machine.failures_ is None


@pytest.mark.parametrize("generation", NAMES)
def test_it_joins_once_the_network_is_shown(generation: str):
    app = with_hidden({ACCESS: "lxdbr0"}, generation)

    set_project(app, "default", {ACCESS: "lxdbr0, quiet"})
    app.settle()

    assert names(app) == ["m0", "m1", "m2", "m3"]
    assert statuses(app)["app"] == "active: 4 members, 3 voters"


def test_a_project_without_nics_hides_all_networks():
    app = with_hidden({NIC: "block"})

    why = "project default hides lxdbr0: unset its restricted.devices.nic"
    assert statuses(app)["lxd/3"] == f"blocked: {why}"


def test_the_networks_of_another_project_count_too():
    app = formed(3)
    by_hand.add_project(server(app, "m0"), "web", {"features.networks": "true"})
    by_hand.add_network(server(app, "m0"), "web", "front", "lxdbr0")
    set_project(app, "web", {"restricted": "true", ACCESS: "back"})
    app.add(3)
    app.settle()

    why = "project web hides front: add it to its restricted.networks.access"
    assert statuses(app)["lxd/3"] == f"blocked: {why}"


def test_a_network_that_is_hidden_during_a_join_stops_the_next_one():
    """The unit has its token already: that join fails, and no other begins."""
    app = changed(formed(3), networks="{quiet: bridge}")
    app.add(3)
    for unit in ("lxd/3", "lxd/0", "lxd/2"):
        app.hook(unit)
    set_project(app, "default", {"restricted": "true", ACCESS: "lxdbr0"})
    app.hook("lxd/3")
    for _ in range(3):
        app.settle()
        later(app, 60.0)

    failures = app.units["lxd/3"].machine.failures_
    assert failures is not None
    assert failures.count == 1
    assert "hides quiet" in statuses(app)["lxd/3"]


GROUPS = "restricted.cluster.groups"


def with_groups(config: dict[str, str], project: str, generation: str) -> ModelApp:
    """A cluster with a project that names cluster groups, and one more unit."""
    app = formed(3, generation)
    if project != "default":
        by_hand.add_project(server(app, "m0"), project, {})
    set_project(app, project, config)
    app.add(3)
    app.settle()
    return app


OWN_NETWORKS = {"features.networks": "true", "restricted": "true"}
NAMED = [("default", {GROUPS: "default, gpu"}), ("web", {**OWN_NETWORKS, GROUPS: "gpu"})]


@pytest.mark.parametrize("generation", ["5.21", "6.9"])
@pytest.mark.parametrize(("project", "config"), NAMED)
def test_a_unit_waits_outside_while_a_project_names_cluster_groups(
    project: str, config: dict[str, str], generation: str
):
    app = with_groups(config, project, generation)

    why = f"project {project}: no join before you unset {GROUPS}"
    assert statuses(app)["lxd/3"] == f"blocked: {why}"
    assert app.units["lxd/3"].machine.failures_ is None

    set_project(app, project, {GROUPS: ""})
    app.settle()
    assert names(app) == ["m0", "m1", "m2", "m3"]


JOINS = [
    ("default", {GROUPS: "default, gpu"}, "5.0"),
    ("default", {GROUPS: "default"}, "5.21"),
    # It has the networks of the project `default`: a joining server does not make it.
    ("web", {"restricted": "true", GROUPS: "gpu"}, "6.9"),
]


@pytest.mark.parametrize(("project", "config", "generation"), JOINS)
def test_groups_that_no_joining_server_looks_for_prevent_no_join(
    project: str, config: dict[str, str], generation: str
):
    app = with_groups(config, project, generation)

    assert statuses(app)["app"] == "active: 4 members, 3 voters"


VERSIONS = {
    "5.0.2": False,
    "5.21.3": False,
    "5.21.4": True,
    "5.21.7-1f23abc": True,
    "6.3": False,
    "6.4": True,
    "7.1": True,
    "git-2f6ac0e": True,
}


@pytest.mark.parametrize(("version", "needs"), VERSIONS.items())
def test_the_versions_that_look_for_the_groups(version: str, needs: bool):
    assert lxd_versions.needs_groups(version) is needs
