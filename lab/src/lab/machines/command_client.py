# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""`python -m lab.machines.command_client SOCKET ORDER`: run a command in a virtual machine.

ORDER is JSON with argv, env and cwd. Input, output and exit status are the command's own. If this
process is killed, the command is killed, too.
"""

from __future__ import annotations

import contextlib
import os
import sys
import termios
import threading
import tty
from collections.abc import Generator
from pathlib import Path

from lab.machines import command_server, sockets

_BLOCK = 1 << 16
# ssh has the same exit status if it could not connect or lost the connection.
_LOST = 255


def main() -> int:
    """Run it; the exit status is the command's, or 255 when the machine went away."""
    path, order = sys.argv[1:]
    try:
        connection = sockets.connected(Path(path))
        command_server.send(connection, command_server.START, order.encode())
    except OSError as error:
        sys.stderr.write(f"the machine does not answer: {error}\n")
        return _LOST

    def pass_input() -> None:
        with contextlib.suppress(OSError):
            while data := os.read(0, _BLOCK):
                command_server.send(connection, command_server.INPUT, data)
            command_server.send(connection, command_server.INPUT_END)

    threading.Thread(target=pass_input, daemon=True).start()
    with _raw_terminal(), contextlib.suppress(OSError):
        while frame := command_server.receive(connection):
            kind, data = frame
            if kind == command_server.EXIT:
                return int(data)
            _write(1 if kind == command_server.OUTPUT else 2, data)
    return _LOST


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


@contextlib.contextmanager
def _raw_terminal() -> Generator[None]:
    """Let the command's terminal in the machine handle the keys of this terminal."""
    if not (os.isatty(0) and os.isatty(1)):
        yield
        return
    before = termios.tcgetattr(0)
    tty.setraw(0)
    try:
        yield
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, before)


if __name__ == "__main__":
    # Another thread may wait for input that never comes.
    os._exit(main())
