"""One machine with LXD on it: what can happen to it, and what its operator does."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tests.simulation.model import evacuation, heartbeats, networks, pools, times
from tests.simulation.model.database_port import ModelDatabase
from tests.simulation.model.lxd_port import ModelLxd
from tests.simulation.model.machine_port import ModelMachine
from tests.simulation.model.operations import Operation
from tests.simulation.model.records import Records, Role, Row, State
from tests.simulation.model.snap_port import ModelSnap
from view import Instance, Silence, Volume

if TYPE_CHECKING:
    from tests.simulation.model.cloud import Cloud

Thing = Instance | Volume


class Server:
    """A machine and its LXD. `lxd`, `snap`, `files` and `database` are the charm's ports to it.

    `run` counts the lives of the daemon. `hung` says that a join left it answering nothing.
    `opened` says that the daemon had its database since it started: one that had not answers
    nothing. `parted` is when it was removed by force while it ran.
    `disk` holds what lies on this machine's disk: instances and custom volumes by their name.
    `devices` says by path what its other block devices hold, `interfaces` are those of the network.
    """

    def __init__(self, cloud: Cloud, machine: str, hostname: str, address: str) -> None:
        self.cloud = cloud
        self.machine = machine
        self.hostname = hostname
        self.address = address
        self.version = "5.0.2"
        self.revision = ""
        self.powered = True
        self.destroyed = False
        self.frozen = False
        self.hung = False
        self.opened = False
        self.parted = -math.inf
        self.running = False
        self.ready = 0.0
        self.run = 0
        self.name = hostname
        self.number = 0
        self.config: dict[str, str] = {}
        self.disk: dict[str, Thing] = {}
        self.devices = pools.of_machine()
        self.interfaces = networks.of_machine(machine)
        self.records = self.fresh()
        self.lxd = ModelLxd(self)
        self.snap = ModelSnap(self)
        self.files = ModelMachine(self)
        self.database = ModelDatabase(self)

    @property
    def installed(self) -> bool:
        """Whether the LXD snap is there."""
        return bool(self.revision) and not self.destroyed

    def fresh(self) -> Records:
        """An empty database, of a server that is in no cluster."""
        number = self.cloud.count()
        return Records(f"server-{self.machine}-{number}", self.cloud.now)

    # What happens to it.

    def power_off(self) -> None:
        """The plug is pulled."""
        self.cloud.tick()
        self.powered = False
        self._daemon_ends()

    def power_on(self) -> None:
        """It boots, and LXD with it."""
        self.cloud.tick()
        if not self.powered and not self.destroyed:
            self.powered = True
            self._daemon_begins(times.BOOT)

    def reboot(self) -> None:
        """Off and on again."""
        self.power_off()
        self.power_on()

    def destroy(self) -> None:
        """It is gone for good, with its disk."""
        self.power_off()
        self.destroyed = True
        self.disk.clear()

    def freeze(self) -> None:
        """LXD's daemon stands still, as after SIGSTOP."""
        self.cloud.tick()
        self.frozen = True

    def thaw(self) -> None:
        """LXD's daemon goes on."""
        self.cloud.tick()
        self.frozen = False

    def kill_daemon(self) -> None:
        """LXD's daemon is gone and nobody starts it again."""
        self.cloud.tick()
        self._daemon_ends()

    def start_daemon(self) -> None:
        """LXD's daemon starts, if it can."""
        self.cloud.tick()
        self._daemon_begins(times.DAEMON_START)

    def restart(self) -> None:
        """The daemon ends and starts by itself."""
        self._daemon_ends()
        self._daemon_begins(times.DAEMON_START)

    def _daemon_ends(self) -> None:
        self.running = False
        self.frozen = False
        self.opened = False
        self.run += 1
        for operation in self.cloud.operations:
            if operation.server is self and not operation.done:
                operation.end()

    def _daemon_begins(self, seconds: float) -> None:
        if self.running or not self.powered or not self.installed or self.half_joined:
            return
        self.running = True
        self.ready = self.cloud.now + seconds
        row = self.row()
        if row is not None:
            row.version = self.version

    # What its operator does.

    def launch(self, project: str, name: str, evacuate: str = "auto") -> Instance:
        """A new instance here, running."""
        return self._keep(Instance(project, name, self._place(), evacuate, running=True))

    def create(self, project: str, name: str, evacuate: str = "auto") -> Instance:
        """A new instance here that nobody has started."""
        return self._keep(Instance(project, name, self._place(), evacuate))

    def _place(self) -> str:
        return self.name if self.records.clustered else "none"

    def _keep(self, instance: Instance) -> Instance:
        self.cloud.tick()
        records, key = self.records, (instance.project, instance.name)
        records.instances[key] = instance
        records.roots[key] = records.profile["devices"].get("root", {}).get("pool", "")
        records.relying.add(key)
        records.nics[key] = records.profile["devices"].get("eth0", {}).get("network", "")
        records.following.add(key)
        records.launched[key] = self.cloud.now
        self.disk[str(instance)] = instance
        return instance

    def add_volume(self, project: str, pool: str, name: str) -> Volume:
        """A new custom volume here."""
        self.cloud.tick()
        volume = Volume(project, pool, name, self._place())
        self.records.volumes[project, pool, name] = volume
        self.disk[str(volume)] = volume
        return volume

    def restore(self) -> None:
        """The operator ends this member's evacuation: what was moved off comes back."""
        self.cloud.tick()
        evacuation.restore(self, self.name)

    # What the model asks of it.

    @property
    def half_joined(self) -> bool:
        """Whether a join was cut short here: the daemon does not start again."""
        row = self.row()
        under_way = self.working("join_cluster") is not None
        return self.hung and not under_way and (row is None or row.state is State.PENDING)

    def wipe(self) -> None:
        """LXD's folder is emptied: no database, no instances, no volumes."""
        self.cloud.tick()
        self.start_over()
        self.config = {}
        self.disk.clear()

    def start_over(self) -> None:
        """LXD is in no cluster and its database is empty. It listens where it did."""
        self.records = self.fresh()
        self.hung = False
        self.number = 0
        pools.leave_devices(self)

    def lose_records(self) -> None:
        """Joining forgets what the server had while it was alone."""
        self.disk.clear()

    def split(self) -> None:
        """The copy of the database here is a cluster's own from now on, with one voter: this."""
        records = self.records.copy()
        for row in records.rows.values():
            row.role = Role.VOTER if row.number == self.number else Role.SPARE
        records.leader = ""
        records.headless = False
        self.records = records
        self.cloud.databases.append(records)

    def working(self, kind: str) -> Operation | None:
        """The work of that kind that is under way on the daemon here."""
        for operation in self.cloud.operations:
            if operation.server is self and operation.kind == kind and not operation.done:
                return operation
        return None

    def hears(self, row: Row) -> bool:
        """Whether the daemon of that member can be reached from here."""
        other = self.cloud.servers.get(row.server)
        if other is None or not other.takes_part(self.records, row, self.cloud.now):
            return False
        return self.cloud.reachable(self.machine, row.server)

    def row(self) -> Row | None:
        """This member in its cluster's database, None if that does not know it any more."""
        row = self.records.rows.get(self.name)
        return row if row is not None and row.number == self.number else None

    def takes_part(self, records: Records, row: Row, at: float) -> bool:
        """Whether the daemon here serves that database as that member."""
        return (
            self.records is records
            and self.number == row.number
            and self.running
            and not self.frozen
            and not self.hung
            and self.ready <= at
        )

    def listening(self) -> bool:
        """Whether LXD's port takes connections."""
        return self.running and self.ready <= self.cloud.now

    def silence(self) -> Silence | None:
        """How the daemon fails to answer, None if it answers.

        One that starts without its database answers nothing until that is there. One that lost it
        later still answers what needs none, and says from memory what it is.
        """
        if not self.listening():
            return Silence.STOPPED
        if self.frozen or self.hung:
            return Silence.HUNG
        if not self.records.clustered or self.has_database():
            return None
        return Silence.NO_DATABASE if self.opened else Silence.HUNG

    def notice(self) -> None:
        """Notes that a daemon which started has found its database."""
        if not self.opened and self.running and self.records.rows:
            self.opened = self.has_database()

    def has_database(self) -> bool:
        """Whether the cluster's database answers to this server.

        Removed by force it is served a little longer. A daemon that starts waits until all members
        have its version; those that run do not mind.
        """
        now, records = self.cloud.now, self.records
        row = self.row()
        if row is None:
            if not self.opened or now - self.parted > times.PARTING:
                return False
        elif not self.takes_part(records, row, now) or self._waits(row):
            return False
        leader = heartbeats.leader(self.cloud, records, now)
        return bool(leader) and self.cloud.reachable(self.machine, records.rows[leader].server)

    def _waits(self, row: Row) -> bool:
        """Whether the daemon has started and waits for members of another version."""
        return not self.opened and any(r.version != row.version for r in self.records.members)
