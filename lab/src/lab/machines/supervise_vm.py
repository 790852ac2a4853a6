# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""`python -m lab.machines.supervise_vm FOLDER QEMU...`: keep a virtual machine running.

It starts QEMU, starts it again at each reboot of the machine, and ends when the machine is switched
off. A client that connects to FOLDER/commands.sock runs a command in the machine. The controller
answers the machine's hook tools on FOLDER/shared/tools.sock.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from lab.machines import processes, qemu, sockets
from lab.machines.line import Line
from lab.machines.programs import MachineError


class _Front:
    """Joins each client that connects with the current line."""

    def __init__(self, folder: Path) -> None:
        self._tools = folder / "shared" / "tools.sock"
        self._listener = sockets.listening(folder / "commands.sock")
        self._line: Line | None = None
        threading.Thread(target=self._accept, daemon=True).start()

    def serve(self, descriptor: int) -> None:
        """Serve a line until the machine closes it."""
        self._line = Line(descriptor, 0, {"tools": lambda: sockets.connected(self._tools)})
        self._line.run()
        self._line = None

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if self._line:
                self._line.carry(connection, "commands")
            else:
                connection.close()


def main() -> int:
    """Keep it running until it is switched off; the exit status is QEMU's."""
    folder = Path(sys.argv[1])
    process = processes.find(os.getpid())
    assert process
    pid_file = folder / "supervisor"
    partial = pid_file.with_suffix(".new")
    partial.write_text(f"{process.pid} {process.start}\n")
    partial.replace(pid_file)
    front = _Front(folder)
    while True:
        code, rebooting = _run_once(sys.argv[2:], front)
        if code or not rebooting:
            pid_file.unlink()
            return code


def _run_once(argv: Sequence[str], front: _Front) -> tuple[int, bool]:
    """Run the machine until it is switched off: QEMU's exit status, and whether it was a reboot."""
    line, qemu_line = socket.socketpair()
    monitor, qemu_monitor = socket.socketpair()
    with line, monitor:
        with qemu_line, qemu_monitor:
            passed = (qemu_line.fileno(), qemu_monitor.fileno())
            process = subprocess.Popen(
                [*argv, *qemu.descriptors(*passed)], stdin=subprocess.DEVNULL, pass_fds=passed
            )
        serving = threading.Thread(target=front.serve, args=(line.fileno(),), daemon=True)
        serving.start()
        rebooting = watch(monitor)
        code = process.wait()
        serving.join()
    return code, rebooting


def watch(monitor: socket.socket) -> bool:
    """Read QEMU's events until its end; whether it ended because the machine reboots."""
    rebooting = False
    with monitor.makefile("rw", encoding="utf-8") as stream:
        stream.write(json.dumps({"execute": "qmp_capabilities"}) + "\n")
        stream.flush()
        for text in stream:
            event = json.loads(text)
            if event.get("event") == "SHUTDOWN":
                rebooting = event["data"]["reason"] == "guest-reset"
    return rebooting


if __name__ == "__main__":
    try:
        sys.exit(main())
    except MachineError as error:
        sys.exit(str(error))
