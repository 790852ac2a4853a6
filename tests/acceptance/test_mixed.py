# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Containers of the lab, which stand for physical machines, and virtual machines in one cluster."""

from __future__ import annotations

import jubilant
import pytest

from tests.acceptance.conftest import WAIT
from tests.integration.cluster import eventually, lxc, members, query, small_image, whole
from tests.integration.conftest import APP, Files


@pytest.fixture(scope="module")
def source(juju: jubilant.Juju, files: Files) -> str:
    """An image on two members that are containers and one that is a virtual machine."""
    if files.container is None:
        pytest.skip("it asks for both kinds of the lab's machines")
    juju.wait_timeout = WAIT
    juju.cli("add-machine", "--constraints", "virt-type=virtual-machine")
    juju.deploy(
        files.charm,
        APP,
        num_units=2,
        config={"storage-backend": "dir", "network-mode": "vxlan"},
        resources=files.resources,
    )
    juju.add_unit(APP, to="0")
    whole(juju, 3, WAIT)
    return small_image(juju, files)


def location(juju: jubilant.Juju, name: str) -> str:
    return query(juju, f"/1.0/instances/{name}")["location"]


def test_a_container_moves_to_the_virtual_machine_and_back(juju: jubilant.Juju, source: str):
    machines = juju.status().apps[APP].units
    virtual = next(u for u, found in machines.items() if found.machine == "0")
    there = juju.ssh(virtual, "hostname").strip().split(".")[0]
    here = next(name for name in sorted(members(juju)) if name != there)
    lxc(juju, f"launch -q {source} c0 --target {here}")
    lxc(juju, "exec c0 -- sh -c 'echo data > /kept; sync'")

    for target in (there, here):
        lxc(juju, "stop --force c0")
        lxc(juju, f"move c0 --target {target}")
        lxc(juju, "start c0")
        assert location(juju, "c0") == target
        assert lxc(juju, "exec c0 -- cat /kept").strip() == "data"


def test_the_virtual_machine_s_unit_leaves_in_good_order(juju: jubilant.Juju, source: str):
    machines = juju.status().apps[APP].units
    virtual = next(u for u, found in machines.items() if found.machine == "0")
    there = juju.ssh(virtual, "hostname").strip().split(".")[0]
    lxc(juju, f"launch -q {source} c1 --target {there}")

    juju.remove_unit(virtual)

    whole(juju, 2, WAIT)
    eventually(lambda: location(juju, "c1") != there, 60)
