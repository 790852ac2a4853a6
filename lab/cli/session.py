"""A command's talk with the controller: finds it, starts it, asks it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.controller.wire import Message, call

DEFAULT_HOME = "/var/lib/lxd-cluster-lab"
START_TIMEOUT = 30.0
_RETRY_DELAY = 0.05


class CommandError(Exception):
    """What `juju` prints after ERROR; the command exits with 1."""


def lab_home() -> Path:
    """The folder that holds the lab: $LXD_CLUSTER_LAB, else /var/lib/lxd-cluster-lab."""
    return Path(os.environ.get("LXD_CLUSTER_LAB") or DEFAULT_HOME)


@dataclass(frozen=True)
class Session:
    """The lab that a command works on and the model it names (None: the current one)."""

    home: Path
    model: str | None

    def ask(self, verb: str, timeout: float | None = 120.0, **arguments: Any) -> Any:
        """The controller's answer to one request; starts the controller when none runs.

        timeout is in seconds, None waits for ever. Raises CommandError with the words of a refusal.
        """
        request: Message = {"verb": verb, "model": self.model, "arguments": arguments}
        socket = self.home / "controller.sock"
        try:
            reply = call(socket, request, timeout)
        except (FileNotFoundError, ConnectionRefusedError):
            _start_controller(self.home)
            reply = call(socket, request, timeout)
        if "error" in reply:
            raise CommandError(reply["error"])
        return reply["result"]


def is_running(home: Path) -> bool:
    """Whether a controller answers in this home."""
    try:
        call(home / "controller.sock", {"verb": "ping", "model": None, "arguments": {}}, 5.0)
    except OSError:
        return False
    return True


def _start_controller(home: Path) -> None:
    home.mkdir(parents=True, exist_ok=True)
    with (home / "controller.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "lab.controller", "--home", str(home)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd="/",
        )
    deadline = time.monotonic() + START_TIMEOUT
    while not is_running(home):
        # Another command may have won the race to start one: then ours ends and that one answers.
        if time.monotonic() > deadline:
            process.kill()
            raise CommandError(f"the lab's controller does not start: see {home}/controller.log")
        if process.poll() not in (None, 0):
            raise CommandError(f"the lab's controller ended at once: see {home}/controller.log")
        time.sleep(_RETRY_DELAY)
