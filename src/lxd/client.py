# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Requests to LXD, each with a deadline. The client waits for the end of operations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import deadlines
from lxd import (
    ceph_errors,
    clock_errors,
    ipv6_errors,
    name_errors,
    project_errors,
    proxy_errors,
    uplink_errors,
)
from lxd.errors import LxdError, LxdLate, LxdStopped, LxdUnreachable
from lxd.http import Request, api_path
from values import lxd_urls

if TYPE_CHECKING:  # ~Protocols take time to define in a hook, and only the type checker needs them.
    from lxd.port import LxdPort

_WAIT = 10.0
"""Seconds that one request waits for an operation. LXD lists a finished one for 5 s more."""

_ERRORS = (
    *(name_errors, proxy_errors, clock_errors, ceph_errors),
    *(uplink_errors, ipv6_errors, project_errors),
)
_NONE: Mapping[str, str] = {}


class Client:
    """LXD's API on one server. Deadlines are in seconds."""

    def __init__(self, port: LxdPort) -> None:
        self.port = port

    def get(
        self, path: str, query: Mapping[str, str] = _NONE, seconds: float = deadlines.LOOK
    ) -> Any:
        """The metadata of the answer to GET. Raises LxdError, LxdUnreachable, LxdStopped."""
        return self._send(Request("GET", path, query), seconds)["metadata"]

    def change(
        self,
        method: str,
        path: str,
        body: Any = None,
        query: Mapping[str, str] = _NONE,
        seconds: float = deadlines.CHANGE,
    ) -> None:
        """Returns once the change is made. Raises LxdError if it failed.

        LXD's version decides which changes are operations: from 6.6 on those of profiles, from 6.8
        on those of pools and networks (storage_and_network_operations).
        """
        end = self.port.now() + seconds
        if operation := self.begin(method, path, body, query, seconds):
            self.wait(operation["id"], end - self.port.now())

    def set_keys(
        self, path: str, body: Mapping[str, Any], query: Mapping[str, str] = _NONE
    ) -> None:
        """Changes some keys of an object by PATCH, and keeps its description.

        For a network, a pool, a volume or an instance LXD forgets the description if a PATCH does
        not name it (measured, 5.0.2, 5.21.7 and 6.9). Raises LxdError, LxdUnreachable.
        """
        description: str = self.get(path, query)["description"]
        self.change("PATCH", path, {"description": description, **body}, query)

    def begin(
        self,
        method: str,
        path: str,
        body: Any = None,
        query: Mapping[str, str] = _NONE,
        seconds: float = deadlines.CHANGE,
    ) -> dict[str, Any] | None:
        """The operation that a request started, None if LXD finished it at once."""
        answer = self._send(Request(method, path, query, body), seconds)
        operation: dict[str, Any] | None = answer["metadata"] if answer["type"] == "async" else None
        return operation

    def wait(self, operation: str, seconds: float) -> None:
        """Returns once an operation has ended. Raises LxdError if it failed, LxdUnreachable."""
        end = self.port.now() + seconds
        while not self.ended(operation, max(0.0, min(_WAIT, end - self.port.now()))):
            if self.port.now() >= end:
                raise LxdLate(f"LXD needed over {seconds:.0f} s")

    def ended(self, operation: str, seconds: float) -> bool:
        """Waits up to `seconds` for an operation. Whether it has ended.

        From 5.21 on LXD answers a wait that timed out with the same error as a wait for a failed
        operation: only the operation itself distinguishes the two (measured, 5.21.7 and 6.9).
        Raises LxdError if it failed; LxdUnreachable if LXD no longer lists it.
        """
        path = api_path("operations", operation)
        # A little longer than LXD waits, so that LXD itself reports the timeout.
        wait = Request("GET", f"{path}/wait", {"timeout": str(int(seconds))})
        response = self.port.send(wait, seconds + deadlines.LOOK)
        if response.error:
            response = self.port.send(Request("GET", path), deadlines.LOOK)
        if response.status == HTTPStatus.NOT_FOUND:
            raise LxdUnreachable("LXD no longer knows the result of the request")
        if response.error:
            raise LxdUnreachable(response.error)
        state = response.body["metadata"]
        if state["status_code"] >= HTTPStatus.BAD_REQUEST:
            raise LxdError(_with_cure(state["err"] or str(state["status"])))
        return state["status_code"] >= HTTPStatus.OK

    def running(self) -> list[dict[str, Any]]:
        """The operations that run now, on all members that answer."""
        return self.get(api_path("operations"), {"recursion": "1"}).get("running", [])

    def await_changes(self, path: str, seconds: float) -> None:
        """Returns once no operation of any client runs on an object.

        From 6.8 on LXD continues a request whose client has left. Raises LxdUnreachable after
        `seconds`.
        """
        for operation in self.running():
            details: dict[str, Any] = operation.get("metadata") or {}
            if lxd_urls.read(str(details.get("entity_url", ""))).parts == lxd_urls.read(path).parts:
                with suppress(LxdError):
                    self.wait(operation["id"], seconds)

    def until(self, condition: Callable[[], bool], seconds: float, every: float = 1.0) -> bool:
        """Checks a condition until it is true. False if it does not become true in `seconds`.

        A check that LXD does not answer is repeated, too: LxdUnreachable is raised only after
        `seconds`. LxdError is raised at once.
        """
        end = self.port.now() + seconds
        while True:
            try:
                if condition():
                    return True
            except LxdUnreachable:
                if self.port.now() >= end:
                    raise
            if self.port.now() >= end:
                return False
            self.port.sleep(every)

    def await_start(self, seconds: float) -> None:
        """Returns once LXD answers. Raises LxdStopped after `seconds` without a listener.

        It does not wait for a daemon that listens and does not answer: it raises LxdUnreachable.
        """
        end = self.port.now() + seconds
        while True:
            try:
                self.get(api_path())
            except LxdStopped:
                if self.port.now() >= end:
                    raise
                self.port.sleep(0.2)
            else:
                return

    def _send(self, request: Request, seconds: float) -> Any:
        response = self.port.send(request, seconds)
        if response.error:
            request_line = f"{request.method} {request.path}"
            raise LxdError(_with_cure(response.error), response.status, request_line)
        return response.body


def _with_cure(error: str) -> str:
    """LXD's error, with what to do if LXD does not name the cause itself."""
    for errors in _ERRORS:
        error = errors.with_cure(error)
    return error
