# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""How a request to LXD can fail."""

from __future__ import annotations

from http import HTTPStatus


class LxdError(Exception):
    """LXD refused a request, with its error. `status` is the HTTP status, 0 if it is unknown.

    LXD answers a failed operation with 200 or 400, so only 404 and 412 say what happened.
    """

    def __init__(self, message: str, status: int = 0, request: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.request = request
        """Method and path, empty if the error is not about a single request."""

    @property
    def not_found(self) -> bool:
        """Whether the object of the request does not exist."""
        return self.status == HTTPStatus.NOT_FOUND


class LxdUnreachable(Exception):  # noqa: N818 - it may only be starting, or wait for others
    """LXD did not answer in time, or closed the connection: the result is unknown."""


class LxdStopped(LxdUnreachable):
    """No program listens on LXD's socket: its daemon starts, or does not run."""


class LxdLate(LxdUnreachable):
    """LXD did not finish a request in time, and may still work on it."""
