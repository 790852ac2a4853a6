# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A server for commands: a virtual machine runs it instead of an SSH server.

A connection is one command. Its client sends how to start it, then its input. The server sends the
output as it comes, and at the end the exit status. If a client goes away, the server kills its
command with the whole process group.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import struct
import subprocess
import threading
from typing import IO

_HEAD = struct.Struct(">BI")
START, INPUT, INPUT_END, OUTPUT, ERRORS, EXIT = range(6)
_BLOCK = 1 << 16
# A command may leave children behind that keep its output open: do not wait for them.
_DRAIN_SECONDS = 1.0
# A shell's exit status for a command that it cannot start.
_NOT_STARTED = 127


def send(connection: socket.socket, kind: int, data: bytes = b"") -> None:
    """Send one frame."""
    connection.sendall(_HEAD.pack(kind, len(data)) + data)


def receive(connection: socket.socket) -> tuple[int, bytes] | None:
    """The next frame; None when the peer has gone."""
    head = _exactly(connection, _HEAD.size)
    if head is None:
        return None
    kind, length = _HEAD.unpack(head)
    data = _exactly(connection, length)
    return None if data is None else (kind, data)


def serving() -> socket.socket:
    """A connection to a server that runs one command. The server is made for it."""
    ours, theirs = socket.socketpair()
    threading.Thread(target=_serve, args=(ours,), daemon=True).start()
    return theirs


def _exactly(connection: socket.socket, length: int) -> bytes | None:
    found = bytearray()
    while len(found) < length:
        block = connection.recv(length - len(found))
        if not block:
            return None
        found += block
    return bytes(found)


def _serve(connection: socket.socket) -> None:
    with connection, contextlib.suppress(OSError):
        first = receive(connection)
        if first is None:
            return
        order = json.loads(first[1])
        try:
            process = subprocess.Popen(
                order["argv"],
                env=order["env"],
                cwd=order["cwd"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                start_new_session=True,
            )
        except OSError as error:
            send(connection, ERRORS, f"{error}\n".encode())
            send(connection, EXIT, str(_NOT_STARTED).encode())
            return
        _accompany(connection, process)


def _accompany(connection: socket.socket, process: subprocess.Popen[bytes]) -> None:
    sending = threading.Lock()

    def pass_on(kind: int, stream: IO[bytes]) -> None:
        with contextlib.suppress(OSError), stream:
            while data := stream.read(_BLOCK):
                with sending:
                    send(connection, kind, data)

    assert process.stdout
    assert process.stderr
    readers = [
        threading.Thread(target=pass_on, args=(kind, stream), daemon=True)
        for kind, stream in ((OUTPUT, process.stdout), (ERRORS, process.stderr))
    ]
    for reader in readers:
        reader.start()
    threading.Thread(target=_feed, args=(connection, process), daemon=True).start()
    code = process.wait()
    for reader in readers:
        reader.join(_DRAIN_SECONDS)
    with sending:
        # As a shell reports a signal.
        send(connection, EXIT, str(128 - code if code < 0 else code).encode())
        connection.shutdown(socket.SHUT_RDWR)


def _feed(connection: socket.socket, process: subprocess.Popen[bytes]) -> None:
    """Give the command its input; kill it when its client goes away."""
    assert process.stdin
    frame = None
    with contextlib.suppress(OSError):
        while frame := receive(connection):
            # A command may not read all its input, and may end before that.
            with contextlib.suppress(OSError, ValueError):
                if frame[0] == INPUT:
                    process.stdin.write(frame[1])
                else:
                    process.stdin.close()
    with contextlib.suppress(OSError):
        process.stdin.close()
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
