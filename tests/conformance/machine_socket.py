# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The charm's port to LXD on a machine of the lab, used from the host."""

from __future__ import annotations

import ctypes
from concurrent.futures import ThreadPoolExecutor

from lab.machines import network
from lab.machines.nspawn_machine import Machine
from lxd.socket import SOCKET, LxdSocket

_NETWORK = 0x40000000
"""CLONE_NEWNET: the kind of namespace that setns(2) must accept."""


class MachineSocket(LxdSocket):
    """Sends requests to the socket below the machine's root, and connects from its network."""

    def __init__(self, machine: Machine) -> None:
        super().__init__(str(machine.root / SOCKET.lstrip("/")))
        self._machine = machine

    def certificate(self, host: str, port: int, seconds: float) -> str:
        """The certificate (PEM) of a server. Raises OSError if no server answers in `seconds`."""
        # Only one thread enters the namespace, and it ends here.
        with ThreadPoolExecutor(1, initializer=self._enter) as thread:
            return thread.submit(super().certificate, host, port, seconds).result()

    def _enter(self) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        with network.namespace_path(self._machine.number).open("rb") as namespace:
            if libc.setns(namespace.fileno(), _NETWORK) != 0:
                raise OSError(ctypes.get_errno(), "setns")
