"""Requests to LXD, each with a deadline. pylxd carries out those that change something."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import deadlines
import lxd_reading
from lxd_reading import LxdChangedError, LxdError, LxdUnreachable


class Requests:
    """LXD's API over its socket."""

    def __init__(self, socket: str) -> None:
        self._socket = socket
        # pylxd has no types: what comes from it is typed where it is read, field by field.
        self._client: Any = None

    def get(self, path: str, **params: str) -> Any:
        """What GET answers, after `deadlines.LOOK` seconds at most."""
        return lxd_reading.get(path, deadlines.LOOK, params, self._socket)

    def _node(self, path: str) -> Any:
        import pylxd

        if self._client is None:
            endpoint = f"http+unix://{quote(self._socket, safe='')}"
            self._client = pylxd.Client(endpoint=endpoint, timeout=deadlines.LOOK)
        node: Any = self._client.api
        for part in filter(None, path.split("/")):
            node = node[part]
        return node

    def request(self, method: str, path: str, seconds: float, **arguments: Any) -> Any:
        """The answer to a request, which ends after `seconds`. Raises LxdError, LxdUnreachable."""
        return self.response(method, path, seconds, **arguments).json()

    def response(self, method: str, path: str, seconds: float, **arguments: Any) -> Any:
        """The same with its headers. Raises LxdChangedError where If-Match does not."""
        import requests.exceptions as http
        from pylxd import exceptions

        try:
            node = self._node(path)
            return getattr(node, method)(timeout=seconds, **arguments)
        except exceptions.LXDAPIException as error:
            response: Any = error.response
            changed = response.status_code == HTTPStatus.PRECONDITION_FAILED
            raise (LxdChangedError if changed else LxdError)(str(error)) from error
        except (exceptions.ClientConnectionFailed, http.RequestException) as error:
            raise LxdUnreachable(str(error)) from error

    def change(self, method: str, path: str, body: Any = None, target: str = "") -> Any:
        """A request that changes something, on the member `target` if one is named."""
        params = {"target": target} if target else {}
        return self.request(method, path, deadlines.CHANGE, json=body, params=params)

    def operation(self, method: str, path: str, body: Any, seconds: float) -> None:
        """A request whose work goes on in the background: returns once that is done."""
        answer = self.request(method, path, seconds, json=body)
        self.wait(answer["metadata"]["id"], seconds)

    def wait(self, operation: str, seconds: float) -> None:
        """Returns once an operation is done. Raises LxdUnreachable after `seconds`."""
        if not self.ended(operation, seconds):
            raise LxdUnreachable(f"LXD was not done in {seconds:.0f} s")

    def ended(self, operation: str, seconds: float) -> bool:
        """Waits for an operation for `seconds`. Raises LxdError if it failed."""
        path = f"operations/{operation}/wait"
        # A little longer than LXD waits, so that it is LXD that says it is not over.
        answer = self.request("get", path, seconds + 5, params={"timeout": int(seconds)})
        told = answer["metadata"]
        if told["status_code"] >= 400:
            raise LxdError(told["err"])
        return told["status_code"] >= 200
