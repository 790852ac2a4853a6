# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The units and machines, and what can happen to a machine and its unit."""

from __future__ import annotations

from lab.model.state import Unit
from lxd.client import Client
from lxd.http import api_path
from state.notes import PROJECT
from tests.lxd_model.records import Records
from tests.lxd_model.server import Server
from tests.lxd_model.truth import ClusterTruth
from tests.simulation.engine import APP, Engine, interfaces
from tests.simulation.ledger import Ledger
from tests.simulation.schedule import Happening

HAS_DATABASE = ("database", "database-standby")


class Site:
    """The machines of an engine's world, and facts to remember about them."""

    def __init__(self, engine: Engine, ledger: Ledger) -> None:
        self.engine = engine
        self.ledger = ledger
        kept = engine.schedule.keep_machines
        engine.keeps = lambda machine: kept and machine in ledger.given_up

    def unit(self, happening: Happening, *, alive: bool = False) -> Unit | None:
        """The unit that an event selects, None without any."""
        units = [u for u in self.engine.units.values() if not alive or u.life == "alive"]
        units = [u for u in units if u.name == happening.name] or units
        return units[happening.unit % len(units)] if units else None

    def server(self, happening: Happening) -> Server | None:
        """The machine of the unit that an event selects."""
        unit = self.unit(happening)
        return self.engine.cloud.servers.get(unit.machine) if unit else None

    def member(self, happening: Happening) -> Server | None:
        """A member that answers and is not about to leave."""
        servers = [
            s
            for u in self.engine.units.values()
            if u.life == "alive" and (s := self.engine.cloud.servers.get(u.machine)) and answers(s)
        ]
        return servers[happening.unit % len(servers)] if servers else None

    def is_up(self, server: Server) -> bool:
        """Whether the machine is started for Juju."""
        machine = self.engine.juju.state.machines.get(server.machine)
        return machine is not None and machine.status == "started"

    def live_servers(self) -> list[Server]:
        """The machines of Juju's units."""
        machines = [u.machine for u in self.engine.units.values()]
        return [self.engine.cloud.servers[m] for m in machines if m in self.engine.cloud.servers]

    def set_address(self, machine: str, address: str) -> None:
        """The machine has this address from now on, for Juju and for LXD."""
        self.engine.cloud.servers[machine].address = address
        if machine in self.engine.juju.state.machines:
            there = interfaces(machine, address)
            self.engine.juju.machine_addresses_changed(machine, there)

    def off(self, server: Server) -> None:
        """A machine loses power, and everything that ran there ends."""
        server.power_off()
        if server.machine in self.engine.juju.state.machines:
            self.engine.juju.machine_lost(self.engine.now, server.machine)
        self.engine.kill_on(server.machine)

    def on(self, server: Server) -> None:
        """A machine boots, if it still exists."""
        if server.powered or server.destroyed:
            return
        server.power_on()
        machine = self.engine.juju.state.machines.get(server.machine)
        if machine is not None and machine.status == "down":
            self.engine.juju.machine_rebooted(self.engine.now, server.machine)

    def destroy(self, server: Server) -> None:
        """A machine is destroyed."""
        self.ledger.given_up.add(server.machine)
        self.engine.on_loss()
        self.off(server)
        server.destroy()

    def can_lose(self, server: Server) -> bool:
        """Whether the database survives the loss of a machine: another one has it."""
        if len(self.engine.units) < 2:
            return False
        known = {u.machine for u in self.engine.units.values() if u.life == "alive"}
        known -= self.ledger.given_up
        if not known - {server.machine}:
            return False
        for cluster in self.engine.cloud.clusters():
            if all(m.server != server.machine for m in cluster.members):
                continue
            if len(cluster.members) == 2 and all(m.role == "database" for m in cluster.members):
                # One of the two is about to lose its copy: LXD decides which.
                return False
            others = [m for m in cluster.members if m.server != server.machine]
            copies = sum(m.role in HAS_DATABASE and m.server in known for m in others)
            # LXD may give the only vote to a member that is as good as gone.
            if copies <= sum(m.server not in known for m in others):
                return False
        return True

    def others_have_database(self, server: Server) -> bool:
        """Whether a living member has the database when this one is removed by hand."""
        return any(
            m.role in HAS_DATABASE and m.server not in self.ledger.given_up | {server.machine}
            for cluster in self.engine.cloud.clusters()
            if any(m.server == server.machine for m in cluster.members)
            for m in cluster.members
        )

    def stops(self, server: Server) -> None:
        """The operator stops the instances of a member: ephemeral ones are gone."""
        self.ledger.hands.add(server.machine)
        here = server.records.on(server.place)
        self.ledger.deleted.update(str(i) for i in here if i.ephemeral)

    def force_remove(self, name: str) -> None:
        """`juju remove-unit --force`."""
        unit = self.engine.units.get(name)
        if unit is None:
            return
        if not any(u.life == "alive" for u in self.engine.units.values() if u is not unit):
            # Without any unit the application would go, and its machines with it.
            self.engine.juju.add_units(self.engine.now, APP)
        self.ledger.given_up.add(unit.machine)
        self.engine.juju.remove_unit(self.engine.now, name, force=True)
        self.engine.note(f"juju remove-unit --force {name}", "operator")

    def force_remove_machine(self, unit: Unit) -> None:
        """`juju remove-machine --force`."""
        self.ledger.given_up.add(unit.machine)
        self.engine.juju.remove_machine(self.engine.now, unit.machine, force=True)
        self.engine.note(f"juju remove-machine --force {unit.machine}", "operator")


def notes_of(records: Records) -> dict[str, str]:
    """The charm's notes in a database."""
    rows = records.profiles.values()
    return {p.name: p.config["user.value"] for p in rows if p.project == PROJECT and p.config}


def evacuate(server: Server, name: str) -> None:
    """`lxc cluster evacuate`. Raises LxdError, LxdUnreachable."""
    path = api_path("cluster", "members", name, "state")
    Client(server.lxd).change("POST", path, {"action": "evacuate"}, seconds=3600.0)


def answers(server: Server) -> bool:
    """Whether a machine has a member of a cluster that answers."""
    server.cloud.tick()
    return server.records.clustered and server.silence() is None


def truth_of(server: Server) -> ClusterTruth | None:
    """The cluster whose database a machine has."""
    records = server.records
    for cluster, known in zip(server.cloud.clusters(), server.cloud.databases, strict=True):
        if known is records:
            return cluster
    return None
