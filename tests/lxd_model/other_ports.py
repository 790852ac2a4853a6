# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Ports to LXD that differ from a model server's in one respect. See `lxd.port.LxdPort`."""

from __future__ import annotations

from dataclasses import dataclass

from lxd.http import Request, Response
from lxd.port import LxdPort


@dataclass
class PassingPort:
    """Passes everything on to another port. A subclass changes what it needs."""

    port: LxdPort

    def send(self, request: Request, seconds: float) -> Response:
        """Sends a request to the other port."""
        return self.port.send(request, seconds)

    def certificate(self, host: str, port: int, seconds: float) -> str:
        """The certificate that the other port gets."""
        return self.port.certificate(host, port, seconds)

    def now(self) -> float:
        """The other port's time."""
        return self.port.now()

    def sleep(self, seconds: float) -> None:
        """Lets the other port's time pass."""
        self.port.sleep(seconds)


class HtmlPort:
    """Answers with something other than JSON."""

    def send(self, request: Request, seconds: float) -> Response:
        """An answer in HTML to every request."""
        return Response(200, b"<html>")

    def certificate(self, host: str, port: int, seconds: float) -> str:
        """Raises OSError: no server listens."""
        raise OSError(host)

    def now(self) -> float:
        """Always the same moment."""
        return 0.0

    def sleep(self, seconds: float) -> None:
        """No time passes."""
