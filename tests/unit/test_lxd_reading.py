"""Reading from a socket that answers, refuses, hangs, or is not there."""

from __future__ import annotations

import http.server
import json
import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import lxd_reading
from lxd import LxdApi
from lxd_reading import LxdError, LxdStopped, LxdUnreachable


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers like LXD."""

    def do_GET(self) -> None:
        found = self.path == "/1.0/things?recursion=1"
        body = {"metadata": ["a"]} if found else {"error": "not found"}
        text = json.dumps(body).encode()
        self.send_response(200 if found else 404)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's
        pass


@pytest.fixture
def answering(tmp_path: Path) -> Iterator[str]:
    where = str(tmp_path / "socket")
    with socketserver.UnixStreamServer(where, Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield where
        server.shutdown()
        thread.join()


@pytest.fixture
def hanging(tmp_path: Path) -> Iterator[str]:
    where = str(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(where)
        listener.listen()
        yield where


def test_the_metadata_is_returned(answering: str):
    assert lxd_reading.get("things", 1.0, {"recursion": "1"}, answering) == ["a"]


def test_a_refusal_has_lxds_words(answering: str):
    with pytest.raises(LxdError, match="not found"):
        lxd_reading.get("nothing", 1.0, None, answering)


def test_a_daemon_that_hangs_costs_no_more_than_the_deadline(hanging: str):
    began = time.monotonic()

    with pytest.raises(LxdUnreachable, match="no answer in time"):
        lxd_reading.get("", 0.2, None, hanging)

    assert time.monotonic() - began < 2.0


def test_no_socket_means_not_running(tmp_path: Path):
    with pytest.raises(LxdStopped):
        lxd_reading.get("", 1.0, None, str(tmp_path / "none"))


def test_nobody_listening_means_not_running(tmp_path: Path):
    where = str(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX) as closed:
        closed.bind(where)

    with pytest.raises(LxdStopped):
        lxd_reading.get("", 1.0, None, where)


def test_waiting_for_a_daemon_ends(tmp_path: Path):
    with pytest.raises(LxdStopped):
        LxdApi(str(tmp_path / "none")).await_start(0.3)
