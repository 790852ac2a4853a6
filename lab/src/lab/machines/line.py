# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Many connections over one stream, such as a virtual machine's serial line.

Both ends run this module. A frame has a connection's number, an event, and bytes. The ends trust
each other: data that a connection has not read yet waits in memory. Each direction of a connection
ends by itself: a server that closes without reading its request has still sent its answer.
"""

from __future__ import annotations

import contextlib
import os
import queue
import socket
import struct
import threading
from collections.abc import Callable, Mapping

_HEAD = struct.Struct(">IBI")
# _END: this end sends no more data. _REFUSED: it takes no more.
_OPEN, _DATA, _END, _REFUSED = range(4)
_BLOCK = 1 << 16
# Whether the end of a stream has come in each direction; after both, the connection is forgotten.
_DIRECTIONS = 2

Target = Callable[[], socket.socket]
"""Gives the connected socket for a connection from the other end. Raises OSError."""


class Line:
    """One end. Its peer has the other `parity` (0 or 1), so that connection numbers differ."""

    def __init__(self, descriptor: int, parity: int, targets: Mapping[str, Target]) -> None:
        """`descriptor` is the stream, open in both directions; `targets` are known by name."""
        self._descriptor = descriptor
        self._targets = targets
        self._next = parity + 2
        self._writing = threading.Lock()
        self._joined: dict[int, _Joined] = {}

    def carry(self, connection: socket.socket, target: str) -> None:
        """Join a connection of this end with a target of the other one. Returns at once."""
        with self._writing:
            number = self._next
            self._next += 2
        self._joined[number] = joined = _Joined(self, number, connection)
        self.send(number, _OPEN, target.encode())
        joined.start()

    def run(self) -> None:
        """Serve the line until the other end closes it; then close all connections."""
        with contextlib.suppress(OSError):
            while head := self._read(_HEAD.size):
                number, kind, length = _HEAD.unpack(head)
                self._take(number, kind, self._read(length))
        for joined in list(self._joined.values()):
            joined.drop()

    def send(self, number: int, kind: int, data: bytes = b"") -> None:
        """Send a frame. If the line is closed, the frame is dropped."""
        view = memoryview(_HEAD.pack(number, kind, len(data)) + data)
        with self._writing, contextlib.suppress(OSError):
            while view:
                view = view[os.write(self._descriptor, view) :]

    def forget(self, number: int) -> None:
        """A connection is over."""
        self._joined.pop(number, None)

    def _take(self, number: int, kind: int, data: bytes) -> None:
        if kind == _OPEN:
            self._open(number, data.decode())
            return
        joined = self._joined.get(number)
        if joined is None:
            return
        if kind == _DATA:
            joined.pending.put(data)
        elif kind == _END:
            joined.pending.put(b"")
        else:
            joined.stop_reading()

    def _open(self, number: int, target: str) -> None:
        try:
            connection = self._targets[target]()
        except (OSError, KeyError):
            self.send(number, _REFUSED)
            self.send(number, _END)
            return
        self._joined[number] = joined = _Joined(self, number, connection)
        joined.start()

    def _read(self, length: int) -> bytes:
        """That many bytes; fewer if the line was closed before."""
        found = bytearray()
        while len(found) < length:
            block = os.read(self._descriptor, length - len(found))
            if not block:
                return b""
            found += block
        return bytes(found)


class _Joined:
    """A connection of this end, joined with one of the other."""

    def __init__(self, line: Line, number: int, connection: socket.socket) -> None:
        self.pending: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        """The data that came over the line; at its end an empty item (b"")."""
        self._line = line
        self._number = number
        self._connection = connection
        self._ends = 0
        self._lock = threading.Lock()

    def start(self) -> None:
        """Begin to move bytes, in both directions."""
        for move in (self._move_out, self._move_in):
            threading.Thread(target=move, daemon=True).start()

    def stop_reading(self) -> None:
        """The other end takes no more data. What it has sent is still delivered."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RD)

    def drop(self) -> None:
        """The line is closed."""
        # Both threads must wake up: one waits for the socket, one for the queue.
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        self.pending.put(b"")

    def _move_out(self) -> None:
        with contextlib.suppress(OSError):
            while data := self._connection.recv(_BLOCK):
                self._line.send(self._number, _DATA, data)
        self._line.send(self._number, _END)
        self._ended()

    def _move_in(self) -> None:
        try:
            while data := self.pending.get():
                self._connection.sendall(data)
            self._connection.shutdown(socket.SHUT_WR)
        except OSError:
            self._line.send(self._number, _REFUSED)
        self._ended()

    def _ended(self) -> None:
        with self._lock:
            self._ends += 1
            if self._ends < _DIRECTIONS:
                return
        self._connection.close()
        self._line.forget(self._number)
