# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""All traffic between the charm and LXD."""

from __future__ import annotations

from typing import Protocol

from lxd.http import Request, Response


class LxdPort(Protocol):
    """All traffic between the charm and LXD: see `lxd.socket.LxdSocket`.

    `now` is in seconds from any fixed moment, and `sleep` lets them pass.
    """

    def send(self, request: Request, seconds: float) -> Response: ...
    def certificate(self, host: str, port: int, seconds: float) -> str: ...
    def now(self) -> float: ...
    def sleep(self, seconds: float) -> None: ...
