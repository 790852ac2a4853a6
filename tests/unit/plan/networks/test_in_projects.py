"""Projects with names that URLs must quote: their instances stay where they are."""

from __future__ import annotations

import pytest

from lxd.http import Request
from tests.lxd_model import by_hand
from tests.lxd_model.generations import NAMES
from tests.unit.deeds import changed, server, the_cluster
from tests.unit.findings import nic, root, statuses
from tests.unit.model_units import formed

PROJECTS = ["team+a", "100%", "%2B", "é"]


@pytest.mark.parametrize("generation", NAMES)
@pytest.mark.parametrize("project", PROJECTS)
def test_another_network_and_pool_leave_its_instances_alone(project: str, generation: str):
    app = formed(3, generation)
    machine = server(app, "m1")
    keys = {"features.profiles": "false", "features.images": "false"}
    body = {"name": project, "config": keys}
    assert not machine.lxd.send(Request("POST", "/1.0/projects", body=body), 5).error
    by_hand.launch(machine, "c1", project=project)

    changed(app, network_mode="vxlan", storage_backend="dir")

    assert statuses(app)["app"] == "active: 3 members, 3 voters"
    assert (nic(app)["network"], root(app)) == ("lxdbr0vxlan", "local-dir")
    own = the_cluster(app).instances[project, "c1"].devices
    assert own["eth0"]["network"] == "lxdbr0"
    assert own["root"]["pool"] == "local"
