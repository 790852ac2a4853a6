# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The charm's two HTTP clients of LXD's socket: a failure is an error in all generations."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from lab.testing.waiting import eventually
from lxd.api import LxdApi
from lxd.errors import LxdError, LxdStopped, LxdUnreachable
from lxd.http import Request
from lxd.socket import LxdSocket
from tests.lxd_model import by_hand
from tests.lxd_model.generations import NAMES
from tests.lxd_model.on_socket import on_socket
from tests.lxd_model.other_ports import HtmlPort
from tests.lxd_model.server import Server
from tests.unit.lxd_servers import clustered, each, faulty

# If nothing answers, pylxd leaves its socket to the garbage collector, which runs in this module.
pytestmark = [
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.usefixtures("garbage_collected"),
]

GET, PATCH = Request("GET", "/1.0"), Request("PATCH", "/1.0", body={"config": {}})
DISK = "/dev/no/such/disk"


@pytest.fixture(params=NAMES)
def servers(request: pytest.FixtureRequest) -> list[Server]:
    """Two members."""
    return clustered(request.param, 2)


@pytest.fixture
def socket(servers: list[Server], tmp_path: Path) -> Generator[LxdSocket]:
    """The socket of the first of them."""
    path = tmp_path / "unix.socket"
    with on_socket(servers[0].lxd, path):
        yield LxdSocket(str(path))


@pytest.fixture
def lxd(socket: LxdSocket) -> LxdApi:
    """LXD through it."""
    return LxdApi(socket)


def test_a_pool_whose_making_fails_is_an_error(servers: list[Server], lxd: LxdApi):
    for server, holds in zip(servers, ("", "ext4"), strict=True):
        server.devices[DISK] = holds

    with pytest.raises(LxdError, match="existing filesystem"):
        lxd.pools.create("fast", "btrfs", {}, {s.name: {"source": DISK} for s in servers})

    assert [pool.status for pool in lxd.pools.list()] == ["Errored"]


def test_a_network_whose_making_fails_is_an_error(servers: list[Server], lxd: LxdApi):
    own = {"m0": {"parent": "eth1"}, "m1": {"parent": "eth9"}}

    with pytest.raises(LxdError, match="eth9"):
        lxd.networks.create("lan", "macvlan", {}, own)

    assert [network.status for network in lxd.networks.list()] == ["Errored"]


def test_a_profile_whose_change_fails_is_an_error(lxd: LxdApi):
    root = {"type": "disk", "path": "/", "pool": "slow"}

    with pytest.raises(LxdError, match="slow"):
        lxd.profiles.set_default({"config": {}, "description": "", "devices": {"root": root}})


def test_a_network_that_cannot_be_deleted_is_an_error(servers: list[Server], lxd: LxdApi):
    lxd.networks.create("br0", "bridge", {}, each(servers))
    nic = {"type": "nic", "network": "br0"}
    by_hand.launch(servers[0], "c1", devices={"eth0": nic})

    with pytest.raises(LxdError, match="in use"):
        lxd.networks.delete("br0")


def test_an_answer_of_success_is_not_an_error(servers: list[Server], lxd: LxdApi):
    lxd.pools.create("a?b", "dir", {}, each(servers))
    lxd.volumes.keep_on("storage.images_volume", "a?b", "images")
    lxd.notes.write({"one": "1", "two": "2"})
    lxd.notes.write({"one": "3", "two": ""})

    assert lxd.pools.list()[0].used_by
    assert lxd.notes.read() == {"one": "3"}


@pytest.mark.parametrize("request_", [GET, PATCH])
def test_a_daemon_that_is_not_there(servers: list[Server], tmp_path: Path, request_: Request):
    path = tmp_path / "unix.socket"
    with pytest.raises(LxdStopped):
        LxdSocket(str(path)).send(request_, 5)

    with on_socket(servers[0].lxd, path):
        assert LxdSocket(str(path)).send(request_, 5).status == 200

    # The socket's file stays when no program listens any more.
    with pytest.raises(LxdStopped):
        LxdSocket(str(path)).send(request_, 5)


@pytest.mark.parametrize("request_", [GET, PATCH])
def test_a_daemon_that_is_silent(servers: list[Server], socket: LxdSocket, request_: Request):
    assert socket.send(PATCH, 5).status == 200
    servers[0].freeze()

    with pytest.raises(LxdUnreachable, match="in time") as silent:
        socket.send(request_, 0.2)

    assert not isinstance(silent.value, LxdStopped)


@pytest.mark.parametrize("request_", [GET, PATCH])
def test_a_daemon_that_hangs_up(servers: list[Server], socket: LxdSocket, request_: Request):
    assert socket.send(PATCH, 5).status == 200
    faulty(servers[0], f"{request_.method} /1.0", "lost")

    with pytest.raises(LxdUnreachable):
        socket.send(request_, 5)


@pytest.mark.parametrize("request_", [GET, PATCH])
def test_an_answer_that_is_not_json(tmp_path: Path, request_: Request):
    path = tmp_path / "unix.socket"
    with on_socket(HtmlPort(), path), pytest.raises(LxdUnreachable):
        LxdSocket(str(path)).send(request_, 5)


def test_the_time_and_a_certificate_that_nobody_shows(tmp_path: Path):
    port = LxdSocket(str(tmp_path / "none"))
    before = port.now()

    port.sleep(0.01)

    assert port.now() >= before + 0.01
    with pytest.raises(OSError, match="refused"):
        port.certificate("127.0.0.1", 1, 1)


def test_no_connection_stays_open(
    servers: list[Server], lxd: LxdApi, socket: LxdSocket, tmp_path: Path
):
    lxd.pools.create("slow", "dir", {}, each(servers))

    for path in ("/1.0", "/1.0/profiles/default", "/1.0/storage-pools/slow"):
        socket.send(Request("PATCH", path, body={"config": {}}), 5)

    # The listener; a thread of the server closes its end of another socket a little later.
    eventually(lambda: _sockets_at(tmp_path / "unix.socket") == 1)


def _sockets_at(path: Path) -> int:
    """The kernel's number of sockets with this path: the listener and its connections."""
    lines = Path("/proc/net/unix").read_text().splitlines()
    return sum(line.endswith(f" {path}") for line in lines)
