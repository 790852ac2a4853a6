# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The charm's connection to LXD's socket, tested on a real socket with the model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lxd.api import LxdApi
from lxd.errors import LxdError, LxdStopped, LxdUnreachable
from lxd.http import Request, api_path
from lxd.socket import LxdSocket
from tests.lxd_model import by_hand, generations
from tests.lxd_model.ground import (
    cluster,
    evacuate,
    machines,
    restore,
)
from tests.lxd_model.on_socket import SocketServer, on_socket
from tests.lxd_model.other_ports import HtmlPort
from tests.lxd_model.server import Server
from tests.lxd_model.things import Pool

ALL = pytest.mark.parametrize("generation", generations.NAMES)
SECONDS = 5.0


# If nothing answers, pylxd leaves its socket to the garbage collector, which runs in this module.
pytestmark = [
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.usefixtures("garbage_collected"),
]


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[tuple[Server, SocketServer]]:
    """A server outside a cluster, on a socket."""
    _, (server,) = machines(1)
    with on_socket(server.lxd, tmp_path / "unix.socket") as listener:
        yield server, listener


def port(listener: SocketServer) -> LxdSocket:
    return LxdSocket(str(listener.path))


def test_the_socket_gives_the_models_answer(alone: tuple[Server, SocketServer]):
    server, listener = alone
    response = port(listener).send(Request("GET", "/1.0"), SECONDS)
    assert (response.status, response.error) == (200, "")
    assert response.etag
    assert response.body == server.lxd.send(Request("GET", "/1.0"), SECONDS).body


def test_the_socket_accepts_every_method(alone: tuple[Server, SocketServer]):
    _, listener = alone
    lxd = port(listener)
    path = api_path("profiles", "p1")

    def send(method: str, path: str, body: object = None) -> int:
        return lxd.send(Request(method, path, body=body), SECONDS).status

    assert send("POST", api_path("profiles"), {"name": "p1", "config": {}}) == 201
    assert send("PATCH", path, {"config": {"user.a": "1"}}) == 200
    assert send("PUT", path, {"config": {"user.b": "1"}, "devices": {}, "description": ""}) == 200
    found = lxd.send(Request("GET", path), SECONDS).body["metadata"]
    assert found["config"] == {"user.b": "1"}
    assert send("POST", path, {"name": "p2"}) == 201
    assert send("DELETE", path) == 404
    assert send("DELETE", api_path("profiles", "p2")) == 200


def test_what_lxd_refuses_is_an_answer(alone: tuple[Server, SocketServer]):
    _, listener = alone
    lxd = port(listener)
    looked = lxd.send(Request("GET", api_path("networks", "none")), SECONDS)
    assert (looked.status, looked.error) == (404, "Network not found")
    changed = lxd.send(Request("PATCH", "/1.0", body={"config": {"no.key": "1"}}), SECONDS)
    assert changed.status == 400
    assert "Unknown key" in changed.error


def test_a_query_and_names_arrive_as_they_are(alone: tuple[Server, SocketServer]):
    server, listener = alone
    lxd = LxdApi(port(listener))
    for name in ("é", "a?b", "a b", "a&b=c", "100%"):
        server.records.pools[name] = Pool(name, "dir", "Created", {}, {"none": {}})
        lxd.pools.update(name, {"user.key": f"{name} é?&"})
        body = {"name": name, "config": {"user.note": name}}
        query = {"project": "default"}
        request = Request("POST", api_path("profiles"), query, body)
        assert port(listener).send(request, SECONDS).status == 201
        found = port(listener).send(Request("GET", api_path("profiles", name), query), SECONDS)
        assert found.body["metadata"]["config"] == {"user.note": name}
    assert {p.name: p.config["user.key"] for p in lxd.pools.list()}["a?b"] == "a?b é?&"


def test_a_change_with_an_old_etag_is_refused(alone: tuple[Server, SocketServer]):
    _, listener = alone
    lxd = port(listener)
    path = api_path("profiles", "default")
    etag = lxd.send(Request("GET", path), SECONDS).etag
    body = {"config": {"user.a": "1"}, "devices": {}, "description": ""}
    put = Request("PUT", path, body=body, headers={"If-Match": etag})
    assert lxd.send(put, SECONDS).status == 200
    assert lxd.send(put, SECONDS).status == 412


def test_requests_raise_lxd_stopped_without_a_listener(
    tmp_path: Path, alone: tuple[Server, SocketServer]
):
    _, listener = alone
    requests = [Request("GET", "/1.0"), Request("PATCH", "/1.0", body={"config": {}})]
    for request in requests:
        with pytest.raises(LxdStopped):
            LxdSocket(str(tmp_path / "none")).send(request, SECONDS)
    listener.stop()
    for request in requests:
        with pytest.raises(LxdStopped):
            port(listener).send(request, SECONDS)


def test_a_daemon_that_says_nothing(alone: tuple[Server, SocketServer]):
    server, listener = alone
    lxd = port(listener)
    patch = Request("PATCH", "/1.0", body={"config": {}})
    assert lxd.send(patch, SECONDS).status == 200
    server.freeze()
    for request in (Request("GET", "/1.0"), patch):
        with pytest.raises(LxdUnreachable, match="in time") as caught:
            lxd.send(request, 0.2)
        assert not isinstance(caught.value, LxdStopped)


def test_a_daemon_that_hangs_up(alone: tuple[Server, SocketServer]):
    server, listener = alone
    patch = Request("PATCH", "/1.0", body={"config": {}})
    assert port(listener).send(patch, SECONDS).status == 200
    server.cloud.fault = lambda _, __: "lost"
    for request in (Request("GET", "/1.0"), patch):
        with pytest.raises(LxdUnreachable):
            port(listener).send(request, SECONDS)


def test_an_answer_that_is_not_json(tmp_path: Path):
    with on_socket(HtmlPort(), tmp_path / "unix.socket") as listener:
        for method in ("GET", "PATCH"):
            with pytest.raises(LxdUnreachable):
                port(listener).send(Request(method, "/1.0"), SECONDS)


@ALL
def test_a_whole_cluster_over_its_sockets(tmp_path: Path, generation: str):
    _, (one, two) = cluster(2, generation)
    with (
        on_socket(one.lxd, tmp_path / "one") as first,
        on_socket(two.lxd, tmp_path / "two") as second,
    ):
        lxd, other = LxdApi(port(first)), LxdApi(port(second))
        members: dict[str, dict[str, str]] = {m.name: {} for m in lxd.members.list()}
        lxd.pools.create("local", "dir", {}, members)
        lxd.networks.create("lxdbr0", "bridge", {"ipv6.address": "none"}, members)
        with pytest.raises(LxdError, match="already"):
            other.networks.create("lxdbr0", "bridge", {}, {})
        by_hand.launch(two, "c1")
        evacuate(one, "m1")
        assert [i.location for i in other.instances.list()] == ["m0"]
        restore(one, "m1")
        other.notes.write({"a": "1", "b": "2"})
        assert not lxd.notes.create("a", "3")
        assert lxd.notes.read() == {"a": "1", "b": "2"}
        token = lxd.cluster.make_token("m2")
        assert token
        assert lxd.cluster.cancel_token("m2", "")
        by_hand.evacuate(two)
        other.members.leave("m1")
    assert [row.name for row in one.records.members] == ["m0"]
