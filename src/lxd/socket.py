# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""LXD's socket on this machine.

Python's own HTTP client reads. pylxd makes every change: its import takes 0.14 s of CPU, a third of
a hook with nothing to do, and such a hook only reads.
"""

from __future__ import annotations

import http.client
import json
import ssl
import time
from typing import Any, cast
from urllib.parse import quote, urlencode

from host.unix_http import UnixHttpConnection
from lxd.errors import LxdLate, LxdStopped, LxdUnreachable
from lxd.http import Request, Response

SOCKET = "/var/snap/lxd/common/lxd/unix.socket"


class LxdSocket:
    """Sends requests to the daemon that listens on a Unix socket."""

    def __init__(self, path: str = SOCKET) -> None:
        self._path = path
        # pylxd has no types: its values get their types where they are read.
        self._client: Any = None
        self._session: Any = None

    def send(self, request: Request, seconds: float) -> Response:
        """The response, whatever LXD says in it.

        Raises LxdStopped if no program listens, LxdUnreachable after `seconds` without a byte or if
        the connection ends too early.
        """
        return (
            self._read(request, seconds)
            if request.method == "GET"
            else self._change(request, seconds)
        )

    def certificate(self, host: str, port: int, seconds: float) -> str:
        """The certificate (PEM) of a server. Raises OSError if none answers in `seconds`."""
        return ssl.get_server_certificate((host, port), timeout=seconds)

    def now(self) -> float:
        """Seconds of a monotonic clock."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Returns after `seconds`."""
        time.sleep(seconds)

    def _read(self, request: Request, seconds: float) -> Response:
        query = f"?{urlencode(request.query)}" if request.query else ""
        connection = UnixHttpConnection(self._path, seconds)
        try:
            connection.request("GET", f"{request.path}{query}", headers=dict(request.headers))
            response = connection.getresponse()
            return Response(response.status, json.load(response), response.headers.get("ETag", ""))
        except (FileNotFoundError, ConnectionRefusedError) as error:
            raise LxdStopped("its daemon is not running") from error
        except TimeoutError as error:
            raise LxdLate("no answer in time") from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise LxdUnreachable(str(error) or type(error).__name__) from error
        finally:
            connection.close()

    def _change(self, request: Request, seconds: float) -> Response:
        import requests.exceptions
        from pylxd import exceptions

        try:
            send = getattr(self._node(request.path), request.method.lower())
            response: Any = send(
                json=request.body,
                params=dict(request.query),
                headers=dict(request.headers),
                timeout=seconds,
            )
        except exceptions.LXDAPIException as refusal:
            response = cast("Any", refusal.response)
        except exceptions.ClientConnectionFailed as error:
            raise LxdStopped("its daemon is not running") from error
        except requests.exceptions.Timeout as error:
            raise LxdLate("no answer in time") from error
        except requests.exceptions.RequestException as error:
            raise LxdUnreachable(str(error)) from error
        finally:
            # pylxd keeps a connection for every path until the garbage collector finds it.
            if self._session is not None:
                self._session.close()
        try:
            body: Any = response.json()
        except ValueError as error:
            raise LxdUnreachable("an answer that is not JSON") from error
        return Response(response.status_code, body, response.headers.get("ETag", ""))

    def _node(self, path: str) -> Any:
        import pylxd.client

        if self._client is None:
            endpoint = f"http+unix://{quote(self._path, safe='')}"
            self._session = cast("Any", pylxd.client).get_session_for_url(endpoint)
            self._client = pylxd.Client(endpoint=endpoint, session=self._session, timeout=5)
        node: Any = self._client.api
        for part in path.removeprefix("/1.0").split("/"):
            node = node[part] if part else node
        return node
