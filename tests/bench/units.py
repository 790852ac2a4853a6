# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""An application whose units are on nodes of the bench: real LXD, the charm's own code."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field

from lab.bench.bench import Bench
from lab.bench.node import Node
from lxd.api import LxdApi
from lxd.socket import LxdSocket
from ports.ports import Ports
from tests.application import Application, Unit
from tests.bench.machine_on_node import BenchDatabase, BenchMachine, BenchSnap

logger = logging.getLogger(__name__)


class SocketOnNode(LxdSocket):
    """LXD's socket, and other servers as the node reaches them: some addresses only it reaches."""

    def __init__(self, node: Node) -> None:
        super().__init__(str(node.socket))
        self._bench_node = node

    def certificate(self, host: str, port: int, seconds: float) -> str:
        """The certificate (PEM) of a server. Raises OSError if none answers in `seconds`."""
        fetch = super().certificate
        return self._bench_node.inside(lambda: fetch(host, port, seconds))


@dataclass
class BenchUnit(Unit):
    """One unit and its node."""

    node: Node = field(kw_only=True)

    @property
    def lxd(self) -> LxdApi:
        """LXD on its node."""
        return self.ports.lxd


@dataclass
class BenchApp(Application[BenchUnit]):
    """All units, and the bench that they are on."""

    bench: Bench = field(kw_only=True)

    def add(self, number: int, hostname: str = "") -> BenchUnit:
        """One more unit, on its own node."""
        name = f"lxd/{number}"
        node = self.bench.add(number, hostname)
        ports = Ports(
            LxdApi(SocketOnNode(node)),
            BenchSnap(node, self.bench.image.rootfs),
            BenchMachine(node),
            BenchDatabase(node),
            time.time,
            lambda text: logger.info("%s: %s", name, text),
        )
        return self.enter(BenchUnit(name, ports, node.place.address, node=node))

    def release(self, name: str) -> None:
        """The unit has gone, and its machine is released."""
        unit = self.units[name]
        self.remove(name)
        self.bench.remove(unit.node)


def formed(bench: Bench, count: int, **options: object) -> BenchApp:
    """An application whose units are all members, with pools in folders by default."""
    app = BenchApp(options={"storage_backend": "dir", **options}, bench=bench)
    for number in range(count):
        app.add(number)
    app.settle()
    return app
