# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The addresses that LXD listens on, on real daemons."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager

import pytest

from lab.bench import slots
from lab.bench.bench import Bench
from lab.bench.node import Node
from tests.bench.drive import all_active, statuses, together, until
from tests.bench.figures import Figures
from tests.bench.units import BenchApp, BenchUnit

pytestmark = pytest.mark.long

PORT = 8443
_HOLD = (
    "import socket, sys; "
    "held = socket.create_server(('{}', {})); print(1, flush=True); sys.stdin.read()"
)


@contextmanager
def port_taken(node: Node, address: str, port: int = PORT) -> Generator[None]:
    """Another program has a port."""
    argv = node.command(["/usr/bin/python3", "-c", _HOLD.format(address, port)])
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, stdin=pipe, stdout=pipe) as program:
        assert program.stdout
        assert program.stdout.readline() == b"1\n"
        try:
            yield
        finally:
            program.communicate(b"", timeout=10)


def second_address(app: BenchApp, unit: BenchUnit, number: int) -> str:
    """The machine has one more address, in another subnet: one in its own subnet may be virtual."""
    address = slots.address(app.bench.slot, 100 + number).replace("10.98.", "10.97.", 1)
    unit.node.check(["/usr/sbin/ip", "addr", "add", f"{address}/24", "dev", "eth0"])
    return address


def answers(address: str) -> bool:
    """Whether a program listens on LXD's port there."""
    try:
        socket.create_connection((address, PORT), timeout=2).close()
    except OSError:
        return False
    return True


def listens(unit: BenchUnit, address: str) -> bool:
    """Whether its LXD listens on an address that only its own machine reaches."""
    probe = f"import socket; socket.create_connection(('{address}', {PORT}), timeout=2)"
    return unit.node.run(["/usr/bin/python3", "-c", probe]).returncode == 0


def all_listen(app: BenchApp, addresses: Sequence[str]) -> list[bool]:
    """By unit, whether its LXD listens on its address of these."""
    return [listens(u, a) for u, a in zip(app.units.values(), addresses, strict=True)]


class Watch:
    """The maximum number of members whose cluster listeners were closed at the same time."""

    def __init__(self, app: BenchApp) -> None:
        self._addresses = [unit.address for unit in app.units.values()]
        self._ended = threading.Event()
        self.away = 0
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(0.02):
            self.away = max(self.away, sum(not answers(a) for a in self._addresses))


def test_the_api_moves_to_another_address_and_back(trio: BenchApp, figures: Figures):
    units = list(trio.units.values())
    others = [second_address(trio, unit, number) for number, unit in enumerate(units)]
    for unit, other in zip(units, others, strict=True):
        unit.https = other

    with Watch(trio) as watch:
        begin = time.monotonic()
        together(trio)
        until(trio, lambda: all(all_listen(trio, others)), 120)
        figures(f"three members listen elsewhere after {time.monotonic() - begin:.1f} s")

    assert watch.away <= 1
    assert all(answers(unit.address) for unit in units)
    assert all_active(trio)
    for unit in units:
        unit.https = ""
    with Watch(trio) as watch:
        until(trio, lambda: not any(all_listen(trio, others)), 120)
    assert watch.away <= 1
    assert all_active(trio)


def test_a_port_that_is_taken_is_named_before_anything_is_made(ground: Bench):
    app = BenchApp(options={"storage_backend": "dir"}, bench=ground)
    for number in range(2):
        app.add(number)
    bootstrap_unit = app.units["lxd/0"]
    with port_taken(bootstrap_unit.node, bootstrap_unit.address):
        for _ in range(4):
            together(app)
        unit_statuses = statuses(app)
        assert unit_statuses["lxd/0"].startswith("blocked: python3 (pid ")
        assert unit_statuses["lxd/0"].endswith(
            f"has port 8443 of {bootstrap_unit.address}, which LXD needs: stop it"
        )

    until(app, lambda: all_active(app), 60)


def test_a_listener_that_was_given_up_comes_back(trio: BenchApp):
    unit = trio.units["lxd/1"]
    other = second_address(trio, unit, 1)
    unit.https = other
    trio.hook("lxd/1")
    assert listens(unit, other)
    unit.node.stop_daemon()
    unit.node.check(["/usr/sbin/ip", "addr", "del", f"{other}/24", "dev", "eth0"])
    unit.node.start_daemon()
    unit.node.await_lxd()
    second_address(trio, unit, 1)
    assert not listens(unit, other)

    together(trio)

    assert listens(unit, other)
    assert all_active(trio)


def test_a_network_that_does_not_run_on_one_member(trio: BenchApp):
    unit = trio.units["lxd/1"]
    unit.node.stop_daemon()
    # LXD's dnsmasq outlives the daemon, and has the port.
    unit.node.check(["/bin/sh", "-c", "kill $(pidof dnsmasq)"])
    unit.node.check(["/usr/sbin/ip", "link", "del", "lxdbr0"])
    with port_taken(unit.node, "0.0.0.0", 53):
        unit.node.start_daemon()
        unit.node.await_lxd()
        unit_statuses = statuses(trio)
    assert unit_statuses["lxd/1"].startswith("blocked: network lxdbr0 does not run here: ")
