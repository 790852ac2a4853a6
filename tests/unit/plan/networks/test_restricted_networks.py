# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Networks that the default project hides: LXD lists none of them, and shows none of them.

`lxc project set default restricted=true restricted.networks.access=NAME` (NetworkAllowed in LXD's
project.go, 5.0 to 6.9).
"""

from __future__ import annotations

import pytest

from lxd.client import Client
from lxd.http import api_path
from steps.networks import RemoveLeftBridge
from tests.lxd_model.generations import NAMES
from tests.unit.findings import HEALTHY, statuses
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import changed, server, the_cluster
from values.interface import Interface

HIDDEN = {"restricted": "true", "restricted.networks.access": "lxdbr0"}
ALL_HIDDEN = {"restricted": "true", "restricted.devices.nic": "block"}
RESTRICTED = "default project restricts networks"
SHOWN = {"restricted": "", "restricted.networks.access": "", "restricted.devices.nic": ""}


def with_restrictions(app: ModelApp, config: dict[str, str]) -> ModelApp:
    """The operator has restricted the default project."""
    client, path = Client(server(app, "m0").lxd), api_path("projects", "default")
    before = client.get(path)["config"]
    client.change("PUT", path, {"config": {**before, **config}})
    return app


def with_hidden_bridge(config: dict[str, str], generation: str = "5.21") -> ModelApp:
    """A cluster with a bridge that no instance is on, and that LXD does not show any more."""
    app = changed(formed(3, generation), networks="{quiet: bridge}")
    for unit in app.units.values():
        bridge = Interface("quiet", bridge=True, made_by_lxd=True, inner=True)
        unit.machine.interfaces_ = [*unit.machine.interfaces_, bridge]
    return with_restrictions(app, config)


@pytest.mark.parametrize("generation", NAMES)
@pytest.mark.parametrize("config", [HIDDEN, ALL_HIDDEN])
def test_the_bridge_of_a_hidden_network_stays(config: dict[str, str], generation: str):
    app = with_hidden_bridge(config, generation)

    for unit in app.units:
        steps = app.plan(unit).steps
        assert not [step for step in steps if isinstance(step, RemoveLeftBridge)]


@pytest.mark.parametrize("generation", NAMES)
def test_the_status_says_that_the_project_restricts_it(generation: str):
    app = with_hidden_bridge(HIDDEN, generation)

    status = str(app.hook("lxd/0").status)

    assert status == f"blocked: could not create the bridge network quiet: {RESTRICTED}"
    assert the_cluster(app).networks["quiet"].status == "Created"
    with_restrictions(app, SHOWN)
    app.settle()
    assert statuses(app) == HEALTHY
