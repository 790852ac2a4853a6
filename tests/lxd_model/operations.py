# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Work that a daemon continues by itself, even if the client that asked is gone."""

from __future__ import annotations

import inspect
import math
from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.lxd_model.refusal import Refusal

if TYPE_CHECKING:
    from tests.lxd_model.server import Server

Work = Generator[float, None, None]
"""Yields the seconds until its next step. Raises Refusal when it fails."""

NEVER = math.inf
"""Work that hangs yields this."""


@dataclass
class Operation:
    """A piece of work on a server's daemon. It ends with that daemon.

    Work without a description is a request with a waiting client: LXD does not list it.
    """

    server: Server
    run: int
    kind: str
    member: str
    work: Work
    due: float
    description: str = ""
    id: str = ""
    location: str = "none"
    url: str = ""
    """The path of its object."""
    resources: dict[str, Any] | None = None
    """The same in the format of 5.0 and 5.21."""
    details: dict[str, Any] | None = None
    """Its progress."""
    begun: float = 0.0
    ended: float = 0.0
    done: bool = False
    error: str = ""
    status: int = 0
    """HTTP's status of the error."""
    cut: bool = False
    """Whether its daemon ended before it was finished."""

    def __getstate__(self) -> dict[str, Any]:
        """For a copy of the model: a finished operation has no more work."""
        return {**vars(self), "work": None} if self.done else vars(self)

    def step(self) -> None:
        """Does what is due now."""
        if self.run != self.server.run:
            self.end()
            return
        if self.server.frozen:
            self.due += 1.0
            return
        try:
            self.due += next(self.work)
        except StopIteration:
            self._finish()
        except Refusal as refusal:
            self.error, self.status = str(refusal), refusal.status
            self._finish()

    def end(self) -> None:
        """It will not continue: its daemon is gone."""
        self.cut = True
        self._finish()
        if inspect.getgeneratorstate(self.work) != inspect.GEN_RUNNING:
            self.work.close()

    def _finish(self) -> None:
        self.done = True
        self.ended = self.server.cloud.now

    @property
    def code(self) -> int:
        """LXD's status code: 103 runs, 200 succeeded, 400 failed."""
        if not self.done or self.cut:
            return 103
        return 400 if self.error else 200

    def as_json(self) -> dict[str, Any]:
        """The operation in LXD's format."""
        return self._as(self.code, self.error)

    def begun_as(self) -> dict[str, Any]:
        """The operation in LXD's format at its start."""
        return self._as(103, "")

    def _as(self, code: int, error: str) -> dict[str, Any]:
        generation = self.server.generation
        found: dict[str, Any] = {
            "id": self.id,
            "class": "task",
            "description": self.description,
            "created_at": stamp(self.begun),
            "updated_at": stamp(self.ended or self.begun),
            "status": _STATUSES[code],
            "status_code": code,
            "resources": self.resources,
            "metadata": self.details,
            "may_cancel": generation.newest,
            "err": error,
            "location": self.location,
        }
        if generation.modern:
            found["metadata"] = found["metadata"] or {}
            found["resources"] = found["resources"] or {}
            found["requestor"] = REQUESTOR
        if generation.newest:
            found["metadata"] = self.details or ({"entity_url": self.url} if self.url else {})
            found["resources"] = {}
            found["err_code"] = self.status if error else 0
            found["child_count"] = 0
        return found


_STATUSES = {103: "Running", 200: "Success", 400: "Failure"}
REQUESTOR = {"username": "root", "protocol": "unix", "address": "@"}


def stamp(moment: float) -> str:
    """A moment of the cloud's time in a format close to LXD's."""
    days, seconds = divmod(int(moment), 86400)
    hours, seconds = divmod(seconds, 3600)
    return f"2026-11-{1 + days % 28:02}T{hours:02}:{seconds // 60:02}:{seconds % 60:02}Z"
