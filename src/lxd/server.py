# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The server: LXD on this machine."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import replace
from enum import Enum, auto

import deadlines
from host import capabilities
from lxd import parsing
from lxd.client import Client
from lxd.errors import LxdError, LxdUnreachable
from lxd.http import Request, api_path
from lxd.join_tokens import fingerprint_of
from state.cluster import Server
from values.addresses import PORT


class Listener(Enum):
    """The kind of program that accepts connections on LXD's port of an address."""

    OURS = auto()
    NOBODY = auto()
    ANOTHER = auto()
    SILENT = auto()
    """A program that does not send more in time."""


class ServerApi:
    """GET and PATCH /1.0."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def get(self) -> Server:
        """LXD itself. It answers this from memory, also without a quorum."""
        server = parsing.server(self._client.get(api_path()))
        return replace(
            server,
            drivers=capabilities.usable(server.drivers),
            in_container=capabilities.in_container(),
            zfs=capabilities.zfs(),
        )

    def ready(self) -> bool:
        """Whether the daemon has started: it has opened its database, and accepts all requests.

        Every daemon that listens answers this at once (measured, 5.0.2 and 6.9). Raises
        LxdUnreachable.
        """
        response = self._client.port.send(Request("GET", "/internal/ready"), deadlines.LOOK)
        return not response.error

    def answers_at_all(self) -> bool:
        """Whether a started daemon answers GET /, which needs no database."""
        try:
            response = self._client.port.send(Request("GET", "/"), deadlines.LOOK)
        except LxdUnreachable:
            return False
        return not response.error

    def database_answers(self) -> bool:
        """Whether LXD can read its database."""
        try:
            self._client.get(api_path("profiles"))
        except (LxdError, LxdUnreachable):
            return False
        return True

    def await_start(self, seconds: float) -> None:
        """Returns once LXD answers. Raises LxdStopped after `seconds` without a listener."""
        self._client.await_start(seconds)

    def process(self) -> int:
        """The process id of the daemon, 0 while it does not answer."""
        try:
            return int(self._client.get(api_path())["environment"]["server_pid"])
        except LxdUnreachable:
            return 0

    def await_restart(self, before: int, seconds: float) -> None:
        """Returns once a daemon with another process id than `before` answers.

        Raises LxdUnreachable after `seconds`.
        """
        if not self._client.until(lambda: self.process() not in (0, before), seconds, every=0.2):
            raise LxdUnreachable(f"LXD has not restarted in {seconds:.0f} s")

    def set_config(self, values: Mapping[str, str]) -> None:
        """Sets some keys of the server's configuration; an empty value unsets one."""
        self._client.change("PATCH", api_path(), {"config": dict(values)})

    def listener(self, address: str, fingerprint: str) -> Listener:
        """The program that listens on LXD's port of an address of this machine.

        `fingerprint` is that of LXD's certificate from an earlier look: it may have changed since.
        """
        try:
            certificate = self._client.port.certificate(address, PORT, deadlines.HANDSHAKE)
        except TimeoutError:
            return Listener.SILENT
        except (ssl.SSLError, ConnectionResetError):
            return Listener.ANOTHER
        except OSError:
            return Listener.NOBODY
        its_fingerprint = fingerprint_of(certificate)
        is_own = its_fingerprint == fingerprint or its_fingerprint == self.get().fingerprint
        return Listener.OURS if is_own else Listener.ANOTHER

    def listen(self, values: Mapping[str, str]) -> None:
        """Sets addresses of the server, and lets it listen there again if it has them already.

        LXD keeps an address that it could not listen on, and does not try again. Unsetting it first
        makes LXD try again. From 5.21.5 on that also opens the listener of its cluster again, which
        was closed if both were one (PATCH /1.0, read in its source). Raises LxdError.
        """
        self.set_config(dict.fromkeys(values, ""))
        self.set_config(values)

    def await_listener(self, address: str, seconds: float) -> bool:
        """Whether LXD listens on an address, asked until it does or `seconds` are over."""
        return self._client.until(
            lambda: self.listener(address, self.get().fingerprint) is Listener.OURS, seconds
        )
