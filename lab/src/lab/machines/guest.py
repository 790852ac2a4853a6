# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""`python3 -m lab.machines.guest`, in a virtual machine: its end of the line to the controller.

The other end sends commands to run. Hook tools connect to a socket here, and the other end answers
them.
"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

from lab.machines import command_server, sockets
from lab.machines.line import Line

PORT_NAME = "lab"
TOOLS_SOCKET = Path("/run/lab-sockets/tools.sock")
_PORTS = Path("/sys/class/virtio-ports")


def main() -> None:
    """Serve the line until the machine goes down."""
    line = Line(_open_port(), 1, {"commands": command_server.serving})
    TOOLS_SOCKET.parent.mkdir(exist_ok=True)
    listener = sockets.listening(TOOLS_SOCKET)

    def accept() -> None:
        while True:
            line.carry(listener.accept()[0], "tools")

    threading.Thread(target=accept, daemon=True).start()
    line.run()


def _open_port() -> int:
    """Open the serial port without udev, so that commands work before udev runs."""
    while True:
        for port in _PORTS.glob("*"):
            if (port / "name").read_text().strip() == PORT_NAME:
                return os.open(Path("/dev") / port.name, os.O_RDWR | os.O_CLOEXEC)
        time.sleep(0.1)


if __name__ == "__main__":
    main()
