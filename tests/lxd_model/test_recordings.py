# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The model of LXD answers like real daemons of its generation, request by request."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import pytest

from lxd.http import Request, Response
from tests.lxd_model import by_hand, certificates, generations
from tests.lxd_model.cloud import Cloud
from tests.lxd_model.recorded import Row, differences, flat, rows
from tests.lxd_model.server import Server
from tests.lxd_model.things import DEFAULT, Network, Pool, Project

NAMES = ("bench-n0", "bench-n1", "bench-n2")
PATIENCE = 60.0
"""Seconds that the recorder waited for an answer."""

_LOST = "that time the member had lost its way to the leader: it stayed"
TOLERATED = {
    ("6.9", "a member removes itself"): _LOST,
    ("6.9", "it has left"): _LOST,
    ("6.9", "one member is left"): _LOST,
}
"""By generation and label: the reason for a different answer of the model."""


@dataclass
class World:
    """The recorded servers, and what the recorder did between its requests."""

    generation: str
    cloud: Cloud
    servers: dict[str, Server]
    ids: dict[str, str] = field(default_factory=dict[str, str])
    etag: str = ""

    def send(self, row: Row) -> Response:
        """Sends the model the recorded request."""
        self._before(row)
        match = self.etag if row.label == "PUT with an ETag of before" else ""
        request = row.request(self.ids, match)
        if row.label == "the cluster's certificate is changed":
            body = {"cluster_certificate": certificates.pem("new"), "cluster_certificate_key": ""}
            request = replace(request, body=body)
        response = self.servers[row.member].lxd.send(request, PATIENCE)
        if row.operation and response.body["type"] == "async":
            self.ids[row.operation] = response.body["metadata"]["id"]
        if row.label == "a project":
            self.etag = response.etag
        return response

    def _before(self, row: Row) -> None:
        if deed := _DEEDS.get(row.label):
            deed(self, row)

    def token(self, row: Row) -> None:
        """A token that lives on during the wait for it."""
        recorded = row.path.split("/")[3]
        request = Request("POST", "/1.0/cluster/members", body={"server_name": "somebody"})
        response = self.servers[row.member].lxd.send(request, PATIENCE)
        self.ids[recorded] = response.body["metadata"]["id"]

    def kill(self, name: str, seconds: float) -> None:
        server = self.servers[name]
        if server.running:
            server.kill_daemon()
            self.cloud.now += seconds

    def start(self, name: str) -> None:
        server = self.servers[name]
        if not server.running:
            server.start_daemon()
            self.cloud.now += 20

    def wait(self, seconds: float) -> None:
        self.cloud.now += seconds


_DEEDS: dict[str, Callable[[World, Row], None]] = {
    "a wait of 2 s for an operation that goes on": lambda world, row: world.token(row),
    "a member died a second ago": lambda world, _: world.kill("bench-n1", 1),
    "a member has been dead for 23 s, the threshold is 12": lambda world, _: world.wait(22),
    "two of three are dead: no quorum": lambda world, _: world.kill("bench-n2", 1),
    "one is back": lambda world, _: world.start("bench-n2"),
}
"""What the recorder did before the first request of a label."""


def world_of(generation: str) -> World:
    """One single server, and three members with a pool, a bridge and a profile with both."""
    cloud = Cloud(generation=generation)
    members = [
        cloud.add(n, f"bench-{n}", f"10.231.0.{i}") for i, n in enumerate(("n0", "n1", "n2"), 1)
    ]
    alone = cloud.add("x9", "bench-x9", "10.231.0.9")
    for server in (*members, alone):
        server.interfaces.pop("eth1", None)
        server.snap.install("stable", "")
    cloud.now += 10
    first = members[0]
    by_hand.bootstrap(first)
    _furnish(first)
    for server in members[1:]:
        by_hand.join(server, first)
    for number, server in enumerate(members, 1):
        row = server.row()
        assert row is not None
        row.domain = f"zone-{number}"

    first.remembers = dict(first.records.config)
    cloud.now += 20
    return World(generation, cloud, {s.hostname: s for s in (*members, alone)})


def _furnish(server: Server) -> None:
    records, name = server.records, server.name
    records.config["cluster.offline_threshold"] = "12"
    source = {"source": "/var/snap/lxd/common/lxd/storage-pools/local"}
    made = frozenset({name})
    records.pools["local"] = Pool("local", "dir", "Created", {}, {name: source}, made)
    config = {f"ipv{n}.{key}": "" for n in (4, 6) for key in ("address", "nat")}
    records.networks["lxdbr0"] = Network("lxdbr0", "bridge", "Created", config, {name: {}})
    devices = {
        "eth0": {"name": "eth0", "network": "lxdbr0", "type": "nic"},
        "root": {"path": "/", "pool": "local", "type": "disk"},
    }
    records.profiles[DEFAULT, DEFAULT] = replace(records.profile, devices=devices)
    project = records.projects[DEFAULT]
    config = {**project.config, **{f"user.lxd-cluster.unit.{n}": "lxd-cluster/0 0" for n in NAMES}}
    records.projects[DEFAULT] = Project(DEFAULT, project.description, config)


@pytest.mark.parametrize("generation", generations.NAMES)
def test_the_model_answers_as_a_real_lxd(generation: str):
    differences = list(replay(generation))
    assert not differences, "\n".join(differences)


def replay(generation: str) -> Iterator[str]:
    """Every difference between the model and the recordings of a generation."""
    world = world_of(generation)
    for number, row in enumerate(rows(generations.generation(generation).version)):
        response = world.send(row)
        if (generation, row.label) in TOLERATED:
            continue
        if row.path.startswith("/1.0/operations?"):
            row, response = flat(row, response)  # noqa: PLW2901
        for difference in differences(row, response):
            yield f"{number} {row.label}: {row.method} {row.path}: {difference}"
