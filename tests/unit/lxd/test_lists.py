# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Lists that grow with the content of the cluster have a deadline of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

import deadlines
from lxd.api import LxdApi
from lxd.http import Request, Response
from tests.lxd_model.generations import NAMES
from tests.lxd_model.other_ports import PassingPort
from tests.unit.lxd_servers import clustered


@dataclass
class Timed(PassingPort):
    """Notes the deadline of each request."""

    given: dict[str, float] = field(default_factory=dict[str, float])

    def send(self, request: Request, seconds: float) -> Response:
        self.given[request.path] = seconds
        return super().send(request, seconds)


LISTS: dict[str, Callable[[LxdApi, frozenset[str]], object]] = {
    "members": lambda lxd, _: lxd.members.list(),
    "instances": lambda lxd, _: lxd.instances.list(),
    "networks": lambda lxd, _: lxd.networks.list(),
    "warnings": lambda lxd, _: lxd.networks.unavailable("m0"),
    "pools": lambda lxd, _: lxd.pools.list(),
    "volumes": lambda lxd, _: lxd.volumes.list_all(),
    "buckets": lambda lxd, extensions: lxd.buckets.list_all(extensions),
    "images": lambda lxd, _: lxd.images.list(),
    "projects": lambda lxd, _: lxd.projects.configs(),
    "users of the default profile": lambda lxd, _: lxd.profiles.default(),
}


@pytest.mark.parametrize("generation", NAMES)
@pytest.mark.parametrize("what", LISTS)
def test_it_may_take_longer_than_a_look(what: str, generation: str):
    server = clustered(generation, 1)[0]
    port = Timed(server.lxd)

    LISTS[what](LxdApi(port), server.generation.has)

    assert set(port.given.values()) <= {deadlines.LIST}
    assert port.given or (what, generation) == ("buckets", "5.0")
