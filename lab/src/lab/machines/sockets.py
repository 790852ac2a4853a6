# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Names for unix sockets in folders of any depth: the kernel has room for only 108 bytes."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Generator
from pathlib import Path


@contextlib.contextmanager
def short_name(path: Path) -> Generator[str]:
    """A short enough name for a socket, however deep its folder is."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def connected(path: Path) -> socket.socket:
    """A stream to the program that listens there. Raises OSError if no program listens."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with short_name(path) as name:
            connection.connect(name)
    except OSError:
        connection.close()
        raise
    return connection


def listening(path: Path) -> socket.socket:
    """A socket that listens there, for the user only; it replaces an earlier socket."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with short_name(path) as name:
        listener.bind(name)
    path.chmod(0o600)
    listener.listen(64)
    return listener
