# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The model's machines."""

from __future__ import annotations

import threading
from collections.abc import Callable

from lxd.api import LxdApi
from lxd.port import LxdPort
from tests.conformance.side import MACHINES, POOL
from tests.lxd_model import by_hand
from tests.lxd_model.cloud import Cloud
from tests.lxd_model.server import Server

_START = 40.0


class ModelSide:
    """Four model machines in their own cloud, with an LXD of one generation."""

    def __init__(self, generation: str) -> None:
        self.cloud = Cloud(generation=generation)
        self._servers = {
            letter: self.cloud.add(letter, f"host-{letter}", f"10.0.0.{index}")
            for index, letter in enumerate(MACHINES, 1)
        }
        for machine, server in self._servers.items():
            server.snap.install("5.21/stable", "")
            self.lxd(machine).server.await_start(_START)

    def lxd(self, machine: str) -> LxdApi:
        return LxdApi(self.port(machine))

    def port(self, machine: str) -> LxdPort:
        return self._servers[machine].lxd

    def hostname(self, machine: str) -> str:
        return self._servers[machine].hostname

    def endpoint(self, machine: str) -> str:
        return f"{self._servers[machine].address}:8443"

    def wait(self, seconds: float) -> None:
        self.cloud.pause(seconds, "wait")

    def together(self, *calls: Callable[[], None]) -> None:
        Together(self.cloud).run(calls)

    def launch(self, machine: str, name: str, evacuate: str) -> None:
        root = {"type": "disk", "path": "/", "pool": POOL}
        devices = {"root": root}
        by_hand.launch(self._servers[machine], name, evacuate, devices=devices, running=False)

    def launch_by_profile(self, machine: str, name: str) -> None:
        by_hand.create(self._servers[machine], name)

    def add_volume(self, machine: str, name: str) -> None:
        by_hand.add_volume(self._servers[machine], POOL, name)

    def power_off(self, machine: str) -> None:
        self._servers[machine].power_off()

    def power_on(self, machine: str) -> None:
        self._servers[machine].power_on()
        self._await(machine)

    def kill_daemon(self, machine: str) -> None:
        self._servers[machine].kill_daemon()

    def start_daemon(self, machine: str) -> None:
        self._servers[machine].start_daemon()
        self._await(machine)

    def freeze(self, machine: str) -> None:
        self._servers[machine].freeze()

    def thaw(self, machine: str) -> None:
        self._servers[machine].thaw()

    def isolate(self, machine: str) -> None:
        for other in MACHINES:
            if other != machine:
                self.cloud.cut(machine, other)

    def heal(self, machine: str) -> None:
        self.cloud.heal()

    def recover(self, machine: str) -> None:
        try:
            self._servers[machine].database.recover()
        finally:
            self._await(machine)

    def wipe(self, machine: str) -> None:
        server: Server = self._servers[machine]
        server.files.kill_lxd()
        server.snap.stop()
        server.files.empty_lxd()
        self.start_daemon(machine)

    def _await(self, machine: str) -> None:
        server = self._servers[machine]
        end = self.cloud.now + _START
        self.cloud.now = max(self.cloud.now, server.ready)
        if server.silence() is not None:
            self.cloud.now = end


class Together:
    """Calls at the same virtual time: one at a time runs, the earliest one first."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._turn = threading.Condition()
        self._waking: dict[int, float] = {}

    def run(self, calls: tuple[Callable[[], None], ...]) -> None:
        """Runs all of them to their ends."""
        before, self._cloud.pause = self._cloud.pause, self._pause
        threads = [threading.Thread(target=self._one, args=(call,)) for call in calls]
        with self._turn:
            for thread in threads:
                thread.start()
                self._waking[thread.ident or 0] = self._cloud.now
        for thread in threads:
            thread.join()
        self._cloud.pause = before

    def _one(self, call: Callable[[], None]) -> None:
        with self._turn:
            self._wait()
            try:
                call()
            finally:
                del self._waking[threading.get_ident()]
                self._turn.notify_all()

    def _pause(self, seconds: float, what: str) -> None:
        del what
        self._waking[threading.get_ident()] = self._cloud.now + seconds
        self._turn.notify_all()
        self._wait()

    def _wait(self) -> None:
        me = threading.get_ident()
        self._turn.wait_for(lambda: min(self._waking, key=lambda t: (self._waking[t], t)) == me)
        self._cloud.now = max(self._cloud.now, self._waking[me])
