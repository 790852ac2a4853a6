# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""HTTP over a Unix socket, as LXD and snapd offer it."""

from __future__ import annotations

import http.client
import socket


class UnixHttpConnection(http.client.HTTPConnection):
    """A connection to the server that listens on the Unix socket `path`.

    Each operation of the socket has `seconds`. Raises OSError as a connection over TCP does.
    """

    def __init__(self, path: str, seconds: float) -> None:
        super().__init__("localhost", timeout=seconds)
        self._path = path

    def connect(self) -> None:
        """Connects to the socket instead of a host."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)
