# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A line with both ends in this process."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Generator, Mapping

from lab.machines.line import Line, Target


@contextlib.contextmanager
def near_end(targets: Mapping[str, Target]) -> Generator[Line]:
    """One end of a line; its other end has these targets."""
    ours, theirs = socket.socketpair()
    near = Line(ours.fileno(), 0, {})
    far = Line(theirs.fileno(), 1, targets)
    threads = [threading.Thread(target=end.run) for end in (near, far)]
    for thread in threads:
        thread.start()
    with ours, theirs:
        try:
            yield near
        finally:
            for end in (ours, theirs):
                end.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join(5)
