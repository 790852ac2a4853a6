# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Faults of hooks, calls, daemons, machines and the network."""

from __future__ import annotations

from tests.lxd_model.cloud import Fault
from tests.lxd_model.server import Server
from tests.simulation.engine import APP
from tests.simulation.schedule import Happening
from tests.simulation.site import Site


class Faults:
    """A method for each kind of fault. It returns what it did, None for nothing."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._calls: dict[str, list[list[int | str]]] = {}
        self._bad_until: dict[str, float] = {}
        self._cuts: dict[int, set[tuple[str, str]]] = {}
        self._serial = 0
        site.engine.cloud.fault = self._fault

    def kill_hook(self, happening: Happening) -> str | None:
        return self._kill(happening, "")

    def kill_commit(self, happening: Happening) -> str | None:
        return self._kill(happening, happening.word)

    def _kill(self, happening: Happening, where: str) -> str | None:
        unit = self.site.unit(happening)
        if unit is None:
            return None
        task = self.site.engine.tasks.get(unit.name)
        if task is None:
            kills = self.site.engine.waiting_kills.setdefault(unit.name, [])
            kills.append((happening.n, where))
        elif where:
            task.commit_fault = where
        else:
            task.kill_in = happening.n
        return f"{unit.name} {where or f'after {happening.n} pauses'}"

    def lead(self, happening: Happening) -> str | None:
        unit = self.site.unit(happening, alive=True)
        if unit is None or unit.agent != "up":
            return None
        self.site.engine.juju.move_leadership(self.site.engine.now, APP, unit.name)
        return unit.name

    def slow(self, happening: Happening) -> str | None:
        unit = self.site.unit(happening)
        if unit is None:
            return None
        self.site.engine.slow[unit.name] = (20.0, self.site.engine.now + happening.seconds)
        return f"{unit.name} for {happening.seconds:.0f} s"

    def cut_controller(self, happening: Happening) -> str | None:
        unit = self.site.unit(happening)
        if unit is None or unit.agent != "up":
            return None
        self.site.engine.juju.agent_lost(self.site.engine.now, unit.name)
        self.site.engine.later(happening.seconds, self._controller_back, unit.name)
        return f"{unit.name} for {happening.seconds:.0f} s"

    def _controller_back(self, name: str) -> None:
        unit = self.site.engine.units.get(name)
        if unit is None or unit.agent != "down":
            return
        if self.site.engine.juju.state.machines[unit.machine].status == "started":
            self.site.engine.juju.agent_back(self.site.engine.now, name)

    def call(self, happening: Happening) -> str | None:
        server = self.site.server(happening)
        if server is None:
            return None
        self._calls.setdefault(server.machine, []).append([happening.n, happening.word])
        return f"{happening.word} on machine {server.machine} in {happening.n} calls"

    def many_calls(self, happening: Happening) -> str | None:
        server = self.site.server(happening)
        if server is None:
            return None
        self._bad_until[server.machine] = self.site.engine.now + happening.seconds
        return f"on machine {server.machine} for {happening.seconds:.0f} s"

    def _fault(self, machine: str, call: str) -> Fault:
        if self.site.engine.faults_over:
            return ""
        found: Fault = ""
        waiting = self._calls.get(machine)
        if waiting:
            for entry in list(waiting):
                if entry[0] == 0:
                    waiting.remove(entry)
                    found = entry[1]  # pyright: ignore[reportAssignmentType]
                else:
                    entry[0] = int(entry[0]) - 1
        if not found and self.site.engine.now < self._bad_until.get(machine, 0.0):
            found = self.site.engine.random.choice(("", "", "refuse", "timeout", "lost"))
        if found:
            self.site.engine.note(f"    {call}: {found}", f"machine {machine}")
        return found

    def kill_daemon(self, happening: Happening) -> str | None:
        server = self.site.server(happening)
        if server is None or not server.running:
            return None
        server.kill_daemon()
        self.site.engine.later(happening.seconds, server.start_daemon)
        return f"on machine {server.machine}, back in {happening.seconds:.0f} s"

    def freeze_daemon(self, happening: Happening) -> str | None:
        server = self.site.server(happening)
        if server is None or not server.running:
            return None
        server.freeze()
        self.site.engine.later(happening.seconds, server.thaw)
        return f"on machine {server.machine} for {happening.seconds:.0f} s"

    def quiet_leader(self, happening: Happening) -> str | None:
        """The database's leader sends no heartbeats while its daemon runs."""
        server = self.site.server(happening)
        if server is None or not server.records.leader:
            return None
        server.records.quiet = server.records.leader
        return server.records.leader

    def reboot(self, happening: Happening) -> str | None:
        return self.power_off(happening)

    def power_off(self, happening: Happening) -> str | None:
        server = self.site.server(happening)
        if server is None or not server.powered or not self.site.is_up(server):
            return None
        self.site.off(server)
        self.site.engine.later(happening.seconds, self.site.on, server)
        return f"machine {server.machine} for {happening.seconds:.0f} s"

    def destroy(self, happening: Happening) -> str | None:
        unit = self.site.unit(happening)
        server = self.site.server(happening)
        if unit is None or server is None or not self.site.is_up(server):
            return None
        if not self.site.can_lose(server):
            return None
        self.site.destroy(server)
        self.site.engine.later(happening.seconds, self.site.force_remove, unit.name)
        return f"machine {server.machine}"

    def clock(self, happening: Happening) -> str | None:
        server = self.site.server(happening)
        if server is None:
            return None
        self.site.engine.skew[server.machine] = happening.seconds
        return f"of machine {server.machine} is {happening.seconds:.0f} s wrong"

    def rename(self, happening: Happening) -> str | None:
        server = self.site.server(happening)
        if server is None:
            return None
        taken = [s.hostname for s in self.site.engine.cloud.servers.values() if s is not server]
        if happening.word == "taken" and taken:
            server.hostname = taken[happening.n % len(taken)]
        else:
            server.hostname = f"{server.hostname}x"
        return f"machine {server.machine} is {server.hostname} now"

    def address(self, happening: Happening) -> str | None:
        """After a change of address, no machine reaches it at the address that LXD knows."""
        server = self.site.server(happening)
        if server is None or not self.site.is_up(server):
            return None
        before = server.address
        self.site.set_address(server.machine, f"10.9.9.{int(server.machine) + 1}")
        others = [m for m in self.site.engine.cloud.servers if m != server.machine]
        self._cut({(server.machine, other) for other in others}, happening.seconds)
        self.site.engine.later(happening.seconds, self._address_back, server, before)
        return f"of machine {server.machine} is another for {happening.seconds:.0f} s"

    def _address_back(self, server: Server, address: str) -> None:
        self.site.set_address(server.machine, address)

    def cut_pair(self, happening: Happening) -> str | None:
        machines = [u.machine for u in self.site.engine.units.values()]
        if len(machines) < 2:
            return None
        one = machines[happening.unit % len(machines)]
        others = [m for m in machines if m != one]
        return self._cut({(one, others[happening.n % len(others)])}, happening.seconds)

    def isolate(self, happening: Happening) -> str | None:
        server = self.site.server(happening)
        if server is None:
            return None
        others = [m for m in self.site.engine.cloud.servers if m != server.machine]
        return self._cut({(server.machine, other) for other in others}, happening.seconds)

    def _cut(self, pairs: set[tuple[str, str]], seconds: float) -> str:
        self._serial += 1
        self._cuts[self._serial] = pairs
        for one, other in sorted(pairs):
            self.site.engine.cloud.cut(one, other)
        self.site.engine.later(seconds, self._mend, self._serial)
        return f"{sorted(pairs)} for {seconds:.0f} s"

    def _mend(self, serial: int) -> None:
        self._cuts.pop(serial, None)
        self.site.engine.cloud.heal()
        if self.site.engine.faults_over:
            return
        for pairs in self._cuts.values():
            for one, other in sorted(pairs):
                self.site.engine.cloud.cut(one, other)
