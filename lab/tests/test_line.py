# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Many connections over one stream: what each end of a connection still gets."""

from __future__ import annotations

import contextlib
import queue
import socket
from collections.abc import Callable, Generator

import pytest

import lines
from lab.machines.line import Target

CONNECTIONS = 300
"""One connection may win a race by luck."""


def test_an_answer_arrives_though_nobody_read_the_request():
    def answer_and_close() -> socket.socket:
        server, connection = socket.socketpair()
        with server:
            server.sendall(b"answer")
        return connection

    with connecting_to(answer_and_close) as connect:
        assert {asked(connect) for _ in range(CONNECTIONS)} == {b"answer"}


def test_a_refused_connection_is_closed():
    def refuse() -> socket.socket:
        raise ConnectionRefusedError

    with connecting_to(refuse) as connect:
        assert asked(connect) == b""


def test_a_server_can_write_no_more_when_its_client_has_gone():
    servers: queue.SimpleQueue[socket.socket] = queue.SimpleQueue()

    def serve() -> socket.socket:
        server, connection = socket.socketpair()
        server.settimeout(10)
        servers.put(server)
        return connection

    def write_on(server: socket.socket) -> None:
        while True:
            server.sendall(b"answer")

    with connecting_to(serve) as connect:
        connect().close()
        with servers.get(timeout=10) as server, pytest.raises(BrokenPipeError):
            write_on(server)


@contextlib.contextmanager
def connecting_to(target: Target) -> Generator[Callable[[], socket.socket]]:
    """What connects to the target at the other end of a line."""
    with lines.near_end({"target": target}) as near:

        def connect() -> socket.socket:
            client, connection = socket.socketpair()
            client.settimeout(10)
            near.carry(connection, "target")
            return client

        yield connect


def asked(connect: Callable[[], socket.socket]) -> bytes:
    """What a client gets that sends a request to its end, and then reads."""
    with connect() as client:
        with contextlib.suppress(BrokenPipeError):
            client.sendall(b"request")
            client.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: client.recv(100), b""))
