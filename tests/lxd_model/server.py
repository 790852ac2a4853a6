# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""One machine with LXD on it, and what can happen to it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from tests.lxd_model import (
    certificates,
    copies,
    heartbeats,
    instances,
    pools,
    processes,
    times,
)
from tests.lxd_model.database_port import ModelDatabase
from tests.lxd_model.generations import Generation, of_version, schema
from tests.lxd_model.listeners import Listeners
from tests.lxd_model.machine_port import ModelMachine
from tests.lxd_model.machine_state import MachineState
from tests.lxd_model.operations import Operation
from tests.lxd_model.port import ModelPort
from tests.lxd_model.records import Records, Row, State
from tests.lxd_model.silence import Silence
from tests.lxd_model.snap_port import ModelSnap
from tests.lxd_model.things import DEFAULT, Profile, Project

if TYPE_CHECKING:
    from tests.lxd_model.cloud import Cloud


class Server(MachineState):
    """A machine and its LXD. `lxd`, `snap`, `files` and `database` are the charm's ports to it."""

    def __init__(self, cloud: Cloud, machine: str, hostname: str, address: str) -> None:
        super().__init__(machine, hostname, address)
        self.cloud = cloud
        self.version = cloud.version
        self.revision = ""
        self.frozen = False
        self.hung = False
        """Whether a join left the daemon without answers."""
        self.opened = False
        """Whether the daemon has had its database since it started: before, it answers nothing."""
        self.parted = -math.inf
        """When its member was removed by force while it ran."""
        self.running = False
        self.ready = 0.0
        self.run = 0
        """The number of the daemon's starts."""
        self.name = hostname
        self.shown_name = ""
        """The name that 5.0 shows until its daemon starts again, after a rename of its member."""
        self.number = 0
        self.schema = (0, 0)
        """The schema of the newest LXD that has used this machine's part of the database."""
        self.certificate = ""
        """The seed of the certificate of this LXD."""
        self.new_certificate()
        self.config: dict[str, str] = {}
        """Its own keys."""
        self.remembers: dict[str, str] = {}
        """The keys that all members share, from the daemon's memory."""
        self.makes_pool = False
        self.makes_network = False
        """Whether it makes one for a client: LXD makes one pool after the other, and networks."""
        self.listeners = Listeners(self)
        self.records = self.fresh()
        self.behind: copies.Behind | None = None
        """Its copy of the database, if the others have continued without it."""
        self.lxd = ModelPort(self)
        self.snap = ModelSnap(self)
        self.files = ModelMachine(self)
        self.database = ModelDatabase(self)

    @property
    def version(self) -> str:
        """The version of the installed LXD."""
        return self._version

    @version.setter
    def version(self, version: str) -> None:
        self._version = version
        self.generation: Generation = of_version(version)

    @property
    def installed(self) -> bool:
        """Whether the LXD snap is installed."""
        return bool(self.revision) and not self.destroyed

    @property
    def place(self) -> str:
        """The location of what is here, by LXD's name."""
        return self.name if self.records.clustered else "none"

    @property
    def fingerprint(self) -> str:
        """The fingerprint of LXD's current certificate: its cluster's, or its own."""
        records = self.records
        return records.fingerprint if records.clustered else certificates.fingerprint(self.shows)

    @property
    def shows(self) -> str:
        """The seed of its current certificate."""
        return self.records.certificate if self.records.clustered else self.certificate

    def fresh(self) -> Records:
        """An empty database of a server outside a cluster."""
        number = self.cloud.count()
        records = Records(
            identity=f"server-{self.machine}-{number}",
            certificate=self.certificate,
            made=self.cloud.now,
            uuid=f"{number:08x}-0000-7000-8000-{number:012x}",
        )
        records.projects[DEFAULT] = Project(
            DEFAULT, "Default LXD project", dict.fromkeys(self._features(), "true")
        )
        records.profiles[DEFAULT, DEFAULT] = Profile(DEFAULT, DEFAULT, "Default LXD profile")
        return records

    def _features(self) -> list[str]:
        features = ["features.images", "features.networks", "features.profiles"]
        if self.generation.modern:
            features += ["features.networks.zones", "features.storage.buckets"]
        return sorted([*features, "features.storage.volumes"])

    def new_certificate(self) -> None:
        """LXD finds no certificate here, and makes one."""
        self.certificate = f"server {self.machine} {self.cloud.count()}"

    # What happens to it.

    def power_off(self) -> None:
        """Its power is cut."""
        self.cloud.tick()
        self.powered = False
        self.left.clear()
        self.unfinished.clear()
        self.processes.clear()
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
        self.folders.clear()

    def freeze(self) -> None:
        """Freezes LXD's daemon, as SIGSTOP does."""
        self.cloud.tick()
        copies.part(self)
        self.frozen = True

    def thaw(self) -> None:
        """LXD's daemon continues."""
        self.cloud.tick()
        self.frozen = False

    def kill_daemon(self) -> None:
        """Kills LXD's daemon, and it is not started again. Instances keep running."""
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

    def stop_instances(self) -> None:
        """Stops instances as `snap stop lxd` does: they shut down, until LXD starts again.

        Ephemeral ones are gone.
        """
        records = self.records
        for instance in records.on(self.place):
            if not instance.running:
                continue
            self.cloud.stopped.append(str(instance))
            processes.end(self, instance)
            if instance.ephemeral:
                del records.instances[instance.key]
                self.disk.pop(str(instance), None)
            else:
                records.instances[instance.key] = replace(instance, running=False, wanted=True)

    def _start_instances(self) -> None:
        """Starts those that ran when LXD was stopped. None on an evacuated member."""
        records, row = self.records, self.row()
        if row is not None and row.state is State.EVACUATED:
            return
        for instance in records.on(self.place):
            starts = not instance.running and instances.starts_by_itself(records, instance)
            if starts:
                records.instances[instance.key] = replace(instance, running=True, wanted=False)
            if starts or instance.running:
                processes.begin(self, instance)

    def _daemon_ends(self) -> None:
        copies.part(self)
        self.running = False
        self.frozen = False
        self.opened = False
        self.shown_name = ""
        self.run += 1
        self.listeners.close()
        if self.records.leader and self.records.leader == self.name:
            self.records.quiet = ""
            # Another member is the leader from now on, even after this one is back.
            heartbeats.leader(self.cloud, self.records, self.cloud.now)
        for operation in self.cloud.operations:
            if operation.server is self and not operation.done:
                operation.end()

    def _daemon_begins(self, seconds: float) -> None:
        if self.running or not self.powered or not self.installed or self.half_joined:
            return
        if self.is_before_database():
            return  # LXD does not start on the database of a newer one.
        self.schema = schema(self.version)
        self.running = True
        self.ready = self.cloud.now + seconds
        self.listeners.open()
        row = self.row()
        if row is not None:
            row.version = self.version
        if not self.records.clustered:
            self.remembers = dict(self.records.config)
            self._start_instances()

    def is_before_database(self) -> bool:
        """Whether a later LXD has opened the database here, or the cluster's."""
        return schema(self.version) < max(self.schema, self.records.schema)

    # What the model asks of it.

    @property
    def half_joined(self) -> bool:
        """Whether a join was interrupted here: the daemon does not start again."""
        row = self.row()
        under_way = self.working("join_cluster") is not None
        return self.hung and not under_way and (row is None or row.state is State.PENDING)

    def wipe(self) -> None:
        """Empties LXD's folder, except its certificate: no database, no instances."""
        self.cloud.tick()
        self.start_over()
        self.config = {}
        self.schema = (0, 0)
        self.disk.clear()
        self.processes.clear()

    def uninstall(self) -> None:
        """`snap remove --purge lxd`: this removes its certificate, too."""
        self.kill_daemon()
        self.wipe()
        self.revision = ""
        self.new_certificate()

    def start_over(self) -> None:
        """LXD is outside a cluster, with an empty database. It listens where it did."""
        uuid = self.records.uuid
        self.records, self.behind = self.fresh(), None
        self.records.uuid = uuid or self.records.uuid
        self.hung = False
        self.number = 0
        pools.leave_devices(self)

    def lose_records(self) -> None:
        """A join deletes what the server had before."""
        self.disk.clear()

    def working(self, kind: str) -> Operation | None:
        """The work of that kind on the daemon here."""
        for operation in self.cloud.operations:
            if operation.server is self and operation.kind == kind and not operation.done:
                return operation
        return None

    def hears(self, row: Row) -> bool:
        """Whether this machine reaches the daemon of that member."""
        other = self.cloud.servers.get(row.server)
        if other is None or not other.serves(self.records, row, self.cloud.now):
            return False
        return self.cloud.reachable(self.machine, row.server)

    def row(self) -> Row | None:
        """This member in its cluster's database, None if it is no longer there."""
        row = self.records.rows.get(self.name)
        return row if row is not None and row.number == self.number else None

    def takes_part(self, records: Records, row: Row, at: float) -> bool:
        """Whether the daemon here works on that database as that member."""
        return (
            self.records is records
            and self.number == row.number
            and self.running
            and not self.frozen
            and not self.hung
            and self.ready <= at
        )

    def serves(self, records: Records, row: Row, at: float) -> bool:
        """Whether other members reach it under the known address, as far as this machine decides
        it.
        """
        return self.takes_part(records, row, at) and self.listeners.listens(row.address)

    def listening(self) -> bool:
        """Whether LXD's socket on this machine accepts connections."""
        return self.running and self.ready <= self.cloud.now and not pools.unmountable(self)

    def silence(self) -> Silence | None:
        """The kind of failure to answer, None if the daemon answers.

        A daemon that starts without its database answers nothing until the database is there. A
        daemon that loses it later still answers requests that need no database, from memory.
        """
        if not self.listening():
            return Silence.STOPPED
        if self.frozen or self.hung or self.listeners.wait():
            return Silence.HUNG
        if not self.records.clustered or self.has_database():
            return None
        if self.opened:
            return Silence.NO_DATABASE
        row = self.row()
        waits = row is not None and self._waits(row) and self._reaches_leader()
        return Silence.WAITING if waits else Silence.HUNG

    def notice(self) -> None:
        """Notes that a daemon has its database: after its start, or after it was cut off."""
        if self.behind is not None:
            copies.catch_up(self)
        # What costs little to see comes first: every tick of the cloud asks.
        if self.opened or not self.running or not self.records.rows or pools.unmountable(self):
            return
        if self.has_database():
            self.opened = True
            self.remembers = dict(self.records.config)
            self.records.schema = max(self.records.schema, schema(self.version))
            self._start_instances()

    def has_database(self) -> bool:
        """Whether the cluster's database answers this server.

        After a removal by force it answers a little longer. A starting daemon waits until all
        members have its version; running daemons do not.
        """
        now = self.cloud.now
        row = self.row()
        if row is None:
            if not self.opened or now - self.parted > times.PARTING:
                return False
        elif (
            not self.takes_part(self.records, row, now)
            or self._waits(row)
            or (not self.opened and self.listeners.wait())
        ):
            return False
        return self._reaches_leader()

    def _reaches_leader(self) -> bool:
        leader = heartbeats.leader(self.cloud, self.records, self.cloud.now)
        return bool(leader) and self.cloud.reachable(self.machine, self.records.rows[leader].server)

    def _waits(self, row: Row) -> bool:
        """Whether the daemon has started and waits for members of another version.

        It compares the versions once it reaches the database's leader (`OpenCluster` in LXD's
        db.go, 5.0 to 6.9), not with evacuated members' (`selectNodesVersions` in its query.go).
        """
        return not self.opened and any(
            r.version != row.version for r in self.records.members if r.state is State.CREATED
        )
