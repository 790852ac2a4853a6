# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Members join and leave: the model of LXD gives the answers of real daemons in `make record`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from lxd import join_tokens
from lxd.errors import LxdUnreachable
from lxd.http import Request, Response
from tests.lxd_model import by_hand, certificates, generations
from tests.lxd_model.cloud import Cloud
from tests.lxd_model.recorded import Row, differences, flat, histories, recorded_versions, rows
from tests.lxd_model.records import Role
from tests.lxd_model.server import Server
from tests.lxd_model.things import DEFAULT, Network, Pool

PATIENCE = 60.0
"""Seconds that the recorder waited for an answer."""
POOL, NETWORK = "local", "lxdbr0"
_ONLY = "75ae6eae3d25be611e424628a97cc45f259607a2a04e1361815c6ed60c943d84"

_PLACES = "two evacuations at once looked for places before either had moved anything"
_STARTING = "it was still starting"
TOLERATED = {
    ("after both evacuations", "/1.0/instances"): _PLACES,
    ("then", "/1.0/instances"): _PLACES,
    ("3 of 3 have the later LXD: one that has the later", "/internal/ready"): _STARTING,
}
"""By label and path: the reason for a different answer of the model."""
_MOMENT = "the second was to be evacuated a moment later"
TOLERATED_ROWS = {
    ("5.0.2", 53): "nobody had taken the offline member's role yet",
    ("5.0.2", 158): _MOMENT,
    ("5.21.7", 160): _MOMENT,
}
"""The same by version and number of the row."""
LATER = frozenset({"child_count"})
"""Keys that the recorded build of 6.9 does not have yet."""


@dataclass
class World:
    """The recorded servers, and what the recorder did between its requests."""

    cloud: Cloud
    servers: dict[str, Server] = field(default_factory=dict[str, Server])
    ids: dict[str, str] = field(default_factory=dict[str, str])
    token: str = ""
    kept: str = ""
    replayed: set[str] = field(default_factory=set[str])

    def server(self, name: str) -> Server:
        """A server by its name, started at its first use."""
        if name not in self.servers:
            number = int(name[1:])
            server = self.cloud.add(str(number), name, f"10.98.0.{number + 1}")
            server.interfaces.pop("eth1", None)
            server.snap.install("stable", "")
            self.cloud.now = max(self.cloud.now, server.ready)
            self.servers[name] = server
        return self.servers[name]

    def send(self, row: Row) -> Response | None:
        """Sends the model the recorded request; None means no answer."""
        if row.label not in self.replayed:
            self.replayed.add(row.label)
            if deed := _DEEDS.get(row.label):
                deed(self, row)
        request = self._request(row)
        end = self.cloud.now + row.seconds
        try:
            response = self.server(row.member).lxd.send(request, PATIENCE)
        except LxdUnreachable:
            return None
        finally:
            if "/wait" not in row.path or "a join" in row.label:
                self.wait(max(0.0, end - self.cloud.now))
        operation = response.body["metadata"]
        if response.body["type"] == "async":
            if row.operation:
                self.ids[row.operation] = operation["id"]
            if operation["class"] == "token":
                self.token = join_tokens.pack(operation["metadata"])
        return response

    def _request(self, row: Row) -> Request:
        request = row.request(self.ids)
        if row.method != "PUT" or row.path != "/1.0/cluster" or "cluster_address" not in row.body:
            return request
        body = dict(request.body)
        for key in ("cluster_token", "cluster_password"):
            if key in body:
                body[key] = self.token
        own = row.label == _OWN
        seed = self.server(row.member).certificate if own else self.server("m0").shows
        body["cluster_certificate"] = certificates.pem(seed)
        return replace(request, body=body)

    def launch(self, row: Row) -> None:
        """A running container; the charm never asks for one."""
        by_hand.launch(self.server(row.path.partition("=")[2]), row.body["name"])

    def copy_certificate(self) -> None:
        """Keeps the half member's certificate for later; its folder is emptied without it."""
        server = self.server("m1")
        self.kept = server.certificate
        by_hand.empty(server)
        server.new_certificate()

    def restore_certificate(self) -> None:
        server = self.server("m1")
        by_hand.empty(server)
        server.certificate = self.kept

    def kill_soon(self) -> None:
        """A daemon is killed while it joins."""
        server, pause = self.server("m1"), self.cloud.pause

        def paused(seconds: float, what: str) -> None:
            if server.certificate in self.server("m0").records.trusted:
                self.cloud.pause = pause
                server.kill_daemon()
            pause(seconds, what)

        self.cloud.pause = paused

    def only_copy(self) -> None:
        by_hand.add_image(self.server("m3"), _ONLY)

    def leave_one_vote(self, leader: str) -> None:
        """With two members, the leader takes the other's vote a moment before it leaves."""
        for row in self.server("m1").records.members:
            row.role = Role.VOTER if row.name == leader else Role.SPARE

    def wait(self, seconds: float) -> None:
        end = self.cloud.now + seconds
        while self.cloud.now < end:
            self.cloud.now = min(end, self.cloud.now + 1)
            self.cloud.tick()


_OWN = "a join with another certificate"

_DEEDS: dict[str, Callable[[World, Row], None]] = {
    "a join during which the daemon is killed": lambda world, _: world.kill_soon(),
    "a join of the same name with a new certificate": lambda world, _: world.copy_certificate(),
    "a join of the same name with the certificate of before": (
        lambda world, _: world.restore_certificate()
    ),
    "images have one copy, and it is on the member": lambda world, _: world.only_copy(),
    "of two members the voter leaves": lambda world, row: world.leave_one_vote(row.member),
    "a server that has left": lambda world, _: world.wait(15),
    "the last member after 15 s": lambda world, _: world.wait(15),
    "the last member after 30 s": lambda world, _: world.wait(15),
}
"""What the recorder did before the first request of a label."""


def bootstrapped(generation: str) -> World:
    """The only member of a cluster, with a pool and a network."""
    world = World(Cloud(generation=generation))
    first = world.server("m0")
    by_hand.bootstrap(first)
    records = first.records
    records.pools[POOL] = Pool(POOL, "dir", "Created", {}, {"m0": {}}, frozenset({"m0"}))
    records.networks[NETWORK] = Network(NETWORK, "bridge", "Created", {}, {"m0": {}})
    devices = {
        "eth0": {"name": "eth0", "network": NETWORK, "type": "nic"},
        "root": {"path": "/", "pool": POOL, "type": "disk"},
    }
    records.profiles[DEFAULT, DEFAULT] = replace(records.profile, devices=devices)
    return world


def formed(generation: str, count: int) -> World:
    """Members of a cluster."""
    world = bootstrapped(generation)
    for number in range(1, count):
        by_hand.join(world.server(f"m{number}"), world.server("m0"))
    world.wait(30)
    return world


_BEGINNINGS: dict[str, Callable[[str], World]] = {
    "a bootstrap without an address": lambda generation: World(Cloud(generation=generation)),
    "before a join": bootstrapped,
    "": bootstrapped,
    "an instance on the member": lambda generation: formed(generation, 4),
    "two members": lambda generation: formed(generation, 2),
    "a running container c0": lambda generation: formed(generation, 4),
}
"""How each history begins, by the label of its first row."""


def replay(version: str) -> Iterator[str]:
    """Every difference between the model and the recordings of a version."""
    replayed: set[str] = set()
    world: World | None = None
    made = False
    for number, row in enumerate(histories(version)):
        if row.label in _BEGINNINGS and row.label not in replayed:
            world = _BEGINNINGS[row.label](generations.of_version(version).name)
        replayed.add(row.label)
        assert world is not None
        if row.path.startswith("/1.0/instances?target") and row.status == 202:
            world.launch(row)
            made = True
        if made:
            # Create, wait, start, wait.
            made = not row.path.endswith("/wait?timeout=120") or "Starting" not in str(row.answer)
            continue
        response = world.send(row)
        where = f"{number} {row.label}: {row.member} {row.method} {row.path}"
        if (row.label, row.path.partition("?")[0]) in TOLERATED:
            continue
        if (version, number) not in TOLERATED_ROWS:
            yield from _compared(where, row, response)


@pytest.mark.parametrize("version", recorded_versions())
def test_members_come_and_go_as_recorded(version: str):
    differences = list(replay(version))
    assert not differences, "\n".join(differences)


def replay_exchange(before: str, after: str) -> Iterator[str]:
    """The same for members that change from one LXD to another, one after the other."""
    world = formed(generations.of_version(before).name, 3)
    exchanged = ""
    for number, row in enumerate(rows(f"{before}-to-{after}")):
        count = row.label.partition(" of ")[0]
        if count.isdigit() and count != exchanged:
            exchanged = count
            server = world.server(f"m{int(count) - 1}")
            server.kill_daemon()
            server.version = after
            server.start_daemon()
            world.wait(8)
        response = world.send(row)
        where = f"{number} {row.label}: {row.member} {row.method} {row.path}"
        if (row.label, row.path.partition("?")[0]) not in TOLERATED:
            yield from _compared(where, row, response)


def _without_later(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_later(part) for part in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    found = cast("dict[str, Any]", value)
    return {key: _without_later(part) for key, part in found.items() if key not in LATER}


def _compared(where: str, row: Row, response: Response | None) -> Iterator[str]:
    if response is None or not row.answer:
        if bool(response) != bool(row.answer):
            yield f"{where}: {response}, not {row.answer}"
        return
    response = replace(response, body=_without_later(response.body))
    if row.path.startswith("/1.0/operations?"):
        row, response = flat(row, response)
    yield from (f"{where}: {difference}" for difference in differences(row, response))


@pytest.mark.parametrize(("before", "after"), [("5.0.2", "5.21.7"), ("5.21.7", "6.9")])
def test_an_exchange_of_lxd_goes_as_recorded(before: str, after: str):
    differences = list(replay_exchange(before, after))
    assert not differences, "\n".join(differences)
