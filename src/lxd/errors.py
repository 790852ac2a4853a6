"""How a request to LXD can fail."""

from __future__ import annotations

from http import HTTPStatus


class LxdError(Exception):
    """LXD refused a request, in its own words. `status` is the HTTP status, 0 where none is known.

    LXD answers a failed operation with 200 or 400, so only 404 and 412 mean something by
    themselves.
    """

    def __init__(self, message: str, status: int = 0, request: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.request = request
        """Method and path, empty where it is about no single request."""

    @property
    def not_found(self) -> bool:
        """Whether the object of the request does not exist."""
        return self.status == HTTPStatus.NOT_FOUND


class LxdUnreachable(Exception):  # noqa: N818 - it may be starting, or wait for its peers
    """LXD did not answer in time, or hung up: what came of the request is unknown."""


class LxdStopped(LxdUnreachable):
    """Nothing listens on LXD's socket: its daemon is starting, or is not running at all."""


class LxdLate(LxdUnreachable):
    """LXD did not do in time what it was asked, and may be at it still."""
