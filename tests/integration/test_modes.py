# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Clusters that begin with another network mode than bridge, and grow on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import jubilant
import pytest

from tests.integration.cluster import (
    address,
    eventually,
    lxc,
    members,
    query,
    reaches,
    removed,
    small_image,
    whole,
)
from tests.integration.conftest import APP, Files


@pytest.fixture
def source(
    request: pytest.FixtureRequest,
    juju: jubilant.Juju,
    deploy: Callable[..., None],
    files: Files,
) -> Iterator[str]:
    """An image on two members, with the network mode of the test; then a third one joins."""
    if files.container is None:
        pytest.skip("its second card is one of the lab's machines")
    deploy(2, storage_backend="dir", **request.param)
    whole(juju, 2)
    juju.add_unit(APP)
    whole(juju, 3)
    eventually(lambda: "eth0" in query(juju, "/1.0/profiles/default")["devices"], 60)
    yield small_image(juju, files)
    removed(juju)


def launch(juju: jubilant.Juju, source: str) -> list[str]:
    """A container on each member."""
    for number, member in enumerate(sorted(members(juju))):
        lxc(juju, f"launch -q {source} c{number} --target {member}")
    return ["c0", "c1", "c2"]


@pytest.mark.parametrize("source", [{"network_mode": "vxlan"}], indirect=True)
def test_vxlan_from_the_beginning(juju: jubilant.Juju, source: str):
    made = launch(juju, source)

    eventually(lambda: all(address(juju, name) for name in made), 60)

    # A container that has just started may lose its first packets.
    eventually(lambda: reaches(juju, "c0", address(juju, "c2")), 30)
    eventually(lambda: reaches(juju, "c2", "10.99.0.254"), 30)


ON_ETH1 = {"network_mode": "macvlan", "network_parent": "eth1"}


@pytest.mark.parametrize("source", [ON_ETH1], indirect=True)
def test_macvlan_from_the_beginning(juju: jubilant.Juju, source: str):
    for number, name in enumerate(launch(juju, source)):
        lxc(juju, f"exec {name} -- ip addr add 10.99.1.{210 + number}/24 dev eth0")

    eventually(lambda: reaches(juju, "c0", "10.99.1.212"), 30)
    eventually(lambda: reaches(juju, "c2", "10.99.1.254"), 30)
