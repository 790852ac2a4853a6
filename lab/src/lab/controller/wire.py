# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Requests and replies over unix sockets: each side sends all its data and closes its direction."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lab.machines import sockets

Message = dict[str, Any]
CODE = Path(__file__).resolve().parents[1]
"""The folder of the lab's code that this process runs. Each checkout of the project has its own."""
CLOSE_SECONDS = 5.0


def _received(connection: socket.socket) -> bytes:
    blocks: list[bytes] = []
    while block := connection.recv(1 << 16):
        blocks.append(block)
    return b"".join(blocks)


def call(path: Path, request: Message, timeout: float | None) -> Message:
    """Send one request as JSON and return its reply.

    timeout is in seconds; None waits for ever.
    Raises OSError when nobody listens or the answer does not come.
    """
    with sockets.connected(path) as connection:
        connection.settimeout(timeout)
        connection.sendall(json.dumps(request).encode())
        connection.shutdown(socket.SHUT_WR)
        reply = _received(connection)
    if not reply:
        raise ConnectionResetError(f"no answer on {path}")
    return json.loads(reply)


class Server:
    """Answers requests on one socket, each in its own thread, until closed."""

    def __init__(self, path: Path, handler: Callable[[bytes], bytes]) -> None:
        self._handler = handler
        self._path = path
        self._socket = sockets.listening(path)
        self._thread = threading.Thread(
            target=self._accept, name=f"accept {path.name}", daemon=True
        )
        self._answering: set[threading.Thread] = set()
        # This must be last: the server may accept a connection at once.
        self._thread.start()

    def close(self) -> None:
        """Stop accepting, and give requests in progress CLOSE_SECONDS to end."""
        # Closing alone would leave the accepting thread asleep in the kernel.
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()
        self._path.unlink(missing_ok=True)
        deadline = time.monotonic() + CLOSE_SECONDS
        for thread in list(self._answering):
            thread.join(max(0, deadline - time.monotonic()))

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._answer, args=(connection,), daemon=True)
            self._answering.add(thread)
            thread.start()

    def _answer(self, connection: socket.socket) -> None:
        # The controller ignores a peer that has gone away.
        with connection, contextlib.suppress(OSError):
            request = _received(connection)
            if request:
                connection.sendall(self._handler(request))
        self._answering.discard(threading.current_thread())
