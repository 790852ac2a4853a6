# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A command's connection to the controller: finds it, starts it, sends it requests."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.controller.wire import CODE, Message, call

DEFAULT_HOME = "/var/lib/lxd-cluster-lab"
SOCKET = "controller.sock"
START_TIMEOUT = 30.0
END_TIMEOUT = 30.0
PING_TIMEOUT = 5.0
_RETRY_DELAY = 0.05
_TO_ANY = ("down", "stop")
"""Requests that also go to a controller that another checkout's command has started."""


class CommandError(Exception):
    """The text that `juju` prints after ERROR; the command exits with 1."""


def lab_home() -> Path:
    """The folder of the lab: $LXD_CLUSTER_LAB, or /var/lib/lxd-cluster-lab."""
    return Path(os.environ.get("LXD_CLUSTER_LAB") or DEFAULT_HOME)


@dataclass(frozen=True)
class Session:
    """The lab that a command uses, and the model that it names (None: the current one)."""

    home: Path
    model: str | None

    def ask(self, verb: str, timeout: float | None = 120.0, **arguments: Any) -> Any:
        """The controller's answer to one request; starts the controller when none runs.

        timeout is in seconds, None waits for ever. Raises CommandError with the text of a refusal,
        and when the controller runs the code of another checkout.
        """
        request: Message = {"verb": verb, "model": self.model, "arguments": arguments}
        running = _running(self.home)
        if running is None:
            _start_controller(self.home)
        else:
            running.check(self.home, verb)
        try:
            reply = call(self.home / SOCKET, request, timeout)
        except OSError as error:
            log = self.home / "controller.log"
            raise CommandError(
                f"the lab's controller does not answer: {error}; see {log}"
            ) from None
        if "error" in reply:
            raise CommandError(reply["error"])
        return reply["result"]

    def wait_ended(self) -> None:
        """Wait until the controller, which has been told to end, has ended."""
        deadline = time.monotonic() + END_TIMEOUT
        while is_running(self.home):
            if time.monotonic() > deadline:
                raise CommandError("the lab's controller does not end")
            time.sleep(_RETRY_DELAY)


@dataclass(frozen=True)
class _Running:
    """A controller that answers: when it started, in seconds since the epoch, and its code."""

    started: float
    code: Path

    def check(self, home: Path, verb: str) -> None:
        """Say so if it runs other code than this process.

        Raises:
            CommandError: the code is another checkout's, and the request is not to end it.
        """
        if self.code == CODE:
            if self.started < _newest_source():
                _note("the lab's controller runs older code than this: see `juju lab restart`")
            return
        # The command is two folders above the package: lab/juju, lab/src/lab.
        problem = f"the lab in {home} runs the code of another checkout, {self.code}"
        if verb not in _TO_ANY:
            raise CommandError(
                f"{problem}: use {self.code.parents[1]}/juju, take the lab over with"
                " `juju lab restart`, or set LXD_CLUSTER_LAB to another folder"
            )
        _note(problem)


def is_running(home: Path) -> bool:
    """Whether a controller answers in this home."""
    return _running(home) is not None


def _running(home: Path) -> _Running | None:
    """The home's controller; None if none answers."""
    try:
        reply = call(home / SOCKET, {"verb": "ping", "model": None, "arguments": {}}, PING_TIMEOUT)
    except OSError:
        return None
    result = reply["result"]
    return _Running(result["started"], Path(result["code"]))


def _note(text: str) -> None:
    print(f"NOTE {text}", file=sys.stderr)


def _newest_source() -> float:
    """The time of the last change to the controller's code."""
    return max(
        entry.stat().st_mtime
        for package in ("controller", "model", "machines")
        for entry in os.scandir(CODE / package)
        if entry.name.endswith(".py")
    )


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
        # Another command may have started a controller first: then ours ends and that one answers.
        if time.monotonic() > deadline:
            process.kill()
            raise CommandError(f"the lab's controller does not start: see {home}/controller.log")
        if process.poll() not in (None, 0):
            raise CommandError(f"the lab's controller ended at once: see {home}/controller.log")
        time.sleep(_RETRY_DELAY)
