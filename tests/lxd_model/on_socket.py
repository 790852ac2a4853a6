# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A model of LXD on a Unix socket, for the charm's own HTTP clients."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from lxd.errors import LxdStopped, LxdUnreachable
from lxd.http import Request, Response
from lxd.port import LxdPort

PATIENCE = 3600.0
"""The model executes a request for at most so many seconds of its time: a client ends it earlier.
"""


class SocketServer:
    """Answers every request as `port` does; bytes are sent unchanged, everything else as JSON.

    A daemon that does not answer says nothing until it ends.

    Several threads may ask at once, but one at a time runs: the model is not thread-safe.
    """

    def __init__(self, port: LxdPort, path: Path) -> None:
        self.path = path
        self._port = port
        self._turn = threading.Lock()
        self._over = threading.Event()
        self._server = _Listener(str(path), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stops listening; waiting clients get no answer. The path stays."""
        self._over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, request: Request) -> Response | None:
        """The model's answer, None if it does not answer."""
        with self._turn:
            try:
                return self._port.send(request, PATIENCE)
            except LxdStopped:
                return None
            except LxdUnreachable as error:
                if str(error) == "EOF":
                    return None
        self._over.wait()
        return None

    def _handler(self) -> Callable[..., BaseHTTPRequestHandler]:
        answer = self.answer

        class Handler(_Handler):
            """The handler has a reference to the server."""

            def answer(self, request: Request) -> Response | None:
                return answer(request)

        return Handler


class _Listener(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

    def get_request(self) -> tuple[Any, Any]:
        request, _ = super().get_request()
        # The handler needs a client's address for its log.
        return request, ("unix", 0)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, request: Request) -> Response | None:
        """The model's answer."""
        raise NotImplementedError

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """The log is not needed."""

    def _carry_out(self) -> None:
        path, _, query = self.path.partition("?")
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        match = self.headers.get("If-Match")
        headers = {"If-Match": match} if match else dict[str, str]()
        request = Request(str(self.command), path, dict(parse_qsl(query)), body, headers)
        response = self.answer(request)
        if response is None:
            self.close_connection = True
            return
        text = response.body
        data: bytes = text if isinstance(text, bytes) else json.dumps(text).encode()
        self.send_response(response.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if response.etag:
            self.send_header("ETag", response.etag)
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _carry_out  # noqa: N815 - the base class's


@contextmanager
def on_socket(port: LxdPort, path: Path) -> Generator[SocketServer]:
    """A server on a path, while the context lasts."""
    server = SocketServer(port, path)
    try:
        yield server
    finally:
        server.stop()
