# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The charm's port to a model server: requests, deadlines, silence and faults."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

from lxd.errors import LxdLate, LxdStopped, LxdUnreachable
from lxd.http import Request, Response
from tests.lxd_model import certificates, times
from tests.lxd_model.api.call import Answer, Call
from tests.lxd_model.api.router import NOT_FOUND, READY, Route, find
from tests.lxd_model.refusal import Refusal
from tests.lxd_model.silence import Silence

if TYPE_CHECKING:
    from tests.lxd_model.cloud import Fault
    from tests.lxd_model.operations import Operation
    from tests.lxd_model.server import Server


class ModelPort:
    """See `lxd.port.LxdPort`. The caller owns the answers: the model keeps no reference to them.

    Every request pauses before its effect and after it, under the name `METHOD PATTERN`.
    """

    def __init__(self, server: Server) -> None:
        self._server = server

    def now(self) -> float:
        """The cloud's time."""
        return self._server.cloud.now

    def sleep(self, seconds: float) -> None:
        """Lets the cloud's time pass."""
        self._server.cloud.pause(seconds, "sleep")

    def certificate(self, host: str, port: int, seconds: float) -> str:
        """The certificate of the server that listens there. Raises OSError if there is none.

        A program that has the port of a machine's LXD speaks no TLS.
        """
        cloud = self._server.cloud
        cloud.pause(0.0, "certificate")
        cloud.tick()
        endpoint = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        for other in cloud.servers.values():
            if host not in {other.address, *other.addresses} or not cloud.reachable(
                self._server.machine, other.machine
            ):
                continue
            if other.firewall and other is not self._server:
                raise other.firewall
            if endpoint in other.listeners.taken:
                raise ssl.SSLError(f"wrong version number: {other.listeners.taken[endpoint]}")
            if other.listening() and other.listeners.listens(endpoint):
                if other.frozen:
                    break
                cloud.pause(times.REQUEST, "certificate")
                return certificates.pem(other.shows)
            if other.powered:
                raise ConnectionRefusedError(f"[Errno 111] Connection refused: {endpoint}")
        cloud.pause(seconds, "certificate")
        raise TimeoutError(f"no answer from {endpoint}")

    def send(self, request: Request, seconds: float) -> Response:
        """Sends a request. Raises LxdStopped, or LxdUnreachable after `seconds`."""
        server, cloud = self._server, self._server.cloud
        end = cloud.now + seconds
        route = find(request.path)
        what = f"{request.method} {route.pattern}"
        cloud.pause(0.0, what)
        cloud.tick()
        fault = cloud.fault(server.machine, what)
        if fault == "timeout":
            cloud.pause(seconds, what)
            raise LxdLate("no answer in time")
        if route.pattern == READY:
            return self._ready(what, end)
        silence = self._await_daemon(route, what, end)
        if fault == "refuse":
            return _error(500, f"{what} was refused")
        if fault == "late":
            return _error(500, "context deadline exceeded")
        if silence is Silence.NO_DATABASE and not route.from_memory:
            refused = self._without_database(route, what, end)
            if refused is not None:
                return refused
        return self._carry_out(request, route, what, fault, end)

    def _ready(self, what: str, end: float) -> Response:
        """Every daemon that listens and is not frozen says at once whether it has started."""
        server = self._server
        if not server.listening():
            raise LxdStopped("its daemon is not running")
        if server.frozen:
            self._pause(end - server.cloud.now + 1, what, end)
        if server.hung or not server.records.clustered or server.opened or server.has_database():
            return Response(200, _sync({}))
        return _error(503, "LXD daemon not ready yet")

    def _await_daemon(self, route: Route, what: str, end: float) -> Silence | None:
        """Returns once the daemon answers, with its kind of failure if it answers with an error."""
        server, cloud = self._server, self._server.cloud
        while True:
            silence = server.silence()
            if silence is Silence.STOPPED:
                raise LxdStopped("its daemon is not running")
            if silence in (None, Silence.NO_DATABASE):
                return silence
            if silence is Silence.WAITING and route.while_waiting and not server.generation.modern:
                return None
            if cloud.now >= end:
                raise LxdLate("no answer in time")
            cloud.pause(min(1.0, end - cloud.now), what)
            cloud.tick()

    def _without_database(self, route: Route, what: str, end: float) -> Response | None:
        """The database has no quorum, and LXD says so after a while; None if it has one by then."""
        server, cloud = self._server, self._server.cloud
        headless = server.records.headless
        seconds, status, text = route.without_database(server.generation, headless=headless)
        late = cloud.now + seconds
        if cloud.now < server.records.leaderless < late:
            self._pause(server.records.leaderless - cloud.now, what, end)
            cloud.tick()
            if server.silence() is None:
                return None
        self._pause(max(0.0, late - cloud.now), what, end)
        return _error(status, text)

    def _pause(self, seconds: float, what: str, end: float) -> None:
        """Lets time pass until an answer is there. Raises LxdUnreachable if it comes too late."""
        cloud = self._server.cloud
        if cloud.now + seconds > end:
            cloud.pause(end - cloud.now, what)
            raise LxdLate("no answer in time")
        cloud.pause(seconds, what)

    def _carry_out(
        self, request: Request, route: Route, what: str, fault: Fault, end: float
    ) -> Response:
        server = self._server
        run = server.run
        handler = route.handlers.get(request.method)
        if handler is None:
            return _not_there(server, route)
        match = request.headers.get("If-Match", "")
        call = Call(server, route.names, request.query, request.body, match)
        try:
            answer = handler(call)
            if answer.work is not None:
                self._wait(answer.work, what, end)
            elif answer.took:
                self._pause(answer.took, what, end)
        except Refusal as refusal:
            missing = str(refusal).startswith("Missing event connection")
            self._pause(times.EVENTS if missing else times.REQUEST, what, end)
            answer = Answer(status=refusal.status, error=str(refusal))
        if fault == "lost" or server.run != run:
            raise LxdUnreachable("EOF")
        if answer.error:
            return _error(answer.status, answer.error)
        if answer.begun is not None:
            return _begun(answer.begun)
        return Response(answer.status, _sync(answer.metadata), answer.etag)

    def _wait(self, operation: Operation, what: str, end: float) -> None:
        """Returns at the end of a request's work. Raises Refusal if it failed."""
        cloud = self._server.cloud
        while True:
            cloud.tick()
            if operation.done:
                break
            if cloud.now >= end:
                raise LxdLate("no answer in time")
            cloud.pause(until(operation.due, cloud.now, end), what)
        if operation.cut:
            raise LxdUnreachable("EOF")
        if operation.error:
            raise Refusal(operation.error, operation.status)


def until(due: float, now: float, end: float) -> float:
    """Seconds to wait for what is due, not beyond `end`, with a minimum."""
    return max(0.05, min(due, end) - now)


def _sync(metadata: Any) -> dict[str, Any]:
    return {
        "type": "sync",
        "status": "Success",
        "status_code": 200,
        "operation": "",
        "error_code": 0,
        "error": "",
        "metadata": metadata,
    }


def _begun(operation: dict[str, Any]) -> Response:
    body = {
        "type": "async",
        "status": "Operation created",
        "status_code": 100,
        "operation": f"/1.0/operations/{operation['id']}",
        "error_code": 0,
        "error": "",
        "metadata": operation,
    }
    return Response(202, body)


def _error(status: int, text: str) -> Response:
    body = {
        "type": "error",
        "status": "",
        "status_code": 0,
        "operation": "",
        "error_code": status if status >= 400 else 500,
        "error": text,
        "metadata": None,
    }
    return Response(status, body)


def _not_there(server: Server, route: Route) -> Response:
    """A path, or a method of it, that this LXD does not have."""
    if route.pattern == NOT_FOUND or not route.handlers:
        return _error(404, "Not Found" if server.generation.modern else "not found")
    return _error(501, "Not Implemented" if server.generation.modern else "not implemented")
