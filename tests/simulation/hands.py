# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""What operators do by hand in LXD and on its machines, without the charm."""

from __future__ import annotations

from contextlib import suppress
from functools import partial

from actions import refusal
from lab.model.errors import JujuError
from lxd.errors import LxdError, LxdUnreachable
from tests.lxd_model import by_hand
from tests.lxd_model.refusal import Refusal
from tests.lxd_model.server import Server
from tests.simulation.engine import address
from tests.simulation.schedule import Happening
from tests.simulation.site import Site, evacuate

_FIRST = 90
"""The first number of the machines that Juju does not have."""
_SHARED = "shared"
"""The pool in a Ceph."""
_STAYS = {
    "gpu": {"gpu": {"type": "gpu"}},
    "proxy": {"web": {"type": "proxy", "listen": "tcp:0.0.0.0:80", "connect": "tcp:127.0.0.1:80"}},
}
"""Devices that prevent LXD from moving an instance."""


class Hands:
    """A method for each kind of operation. It returns what it did, None for nothing."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.engine = site.engine
        self.ledger = site.ledger
        self._evacuating: set[str] = set()
        """Machines whose member the operator is evacuating: nobody puts anything there."""

    def thing(self, happening: Happening) -> str | None:
        """Something that LXD does not move to another member: a device, ephemeral, a bucket, an
        image.
        """
        server = self.site.member(happening)
        if server is None or server.machine in self._evacuating:
            return None
        name = f"x{len(self.ledger.made)}"
        match happening.word:
            case "bucket":
                if "storage_buckets" not in server.generation.has:
                    return None
                made = by_hand.add_bucket(server, "local", name)
            case "image":
                made = by_hand.add_image(server, f"{len(self.ledger.made):064x}")
            case "ephemeral":
                made = by_hand.launch(server, name, ephemeral=True)
            case device:
                made = by_hand.launch(server, name, devices=_STAYS[device])
                self.ledger.fixed[str(made)] = server.machine
        self.ledger.made[str(made)] = server.machine
        return f"{made} on machine {server.machine}, {happening.word}"

    def launch_in_ceph(self, happening: Happening) -> str | None:
        """An instance in the operator's own Ceph, which all machines reach."""
        server = self.site.member(happening)
        if server is None or server.machine in self._evacuating or server.records.joining:
            return None
        if _SHARED not in server.records.pools:
            by_hand.add_shared_pool(server, _SHARED)
        root = {"root": {"type": "disk", "path": "/", "pool": _SHARED}}
        config = {"boot.autostart": happening.word} if happening.word else {}
        name = f"c{len(self.ledger.made)}"
        made = by_hand.launch(server, name, devices=root, config=config)
        self.ledger.made[str(made)] = server.machine
        return f"{made} on machine {server.machine} {happening.word}".rstrip()

    def rename_member(self, happening: Happening) -> str | None:
        """`lxc cluster rename`; every second time another member then gets the old name."""
        server = self.site.member(happening)
        if server is None or server.row() is None:
            return None
        old = server.name
        new = f"{old}r"
        others = sorted(row.name for row in server.records.members if row.name != old)
        with suppress(Refusal):
            by_hand.rename_member(server, old, new)
            if happening.unit % 2 and others:
                other = others[happening.unit % len(others)]
                by_hand.rename_member(server, other, old)
                return f"machine {server.machine} to {new}, {other} to {old}"
        return f"machine {server.machine} to {new}"

    def update_certificate(self, happening: Happening) -> str | None:
        """`lxc cluster update-certificate`."""
        server = self.site.member(happening)
        if server is None:
            return None
        by_hand.update_certificate(server)
        return f"through machine {server.machine}"

    def healing(self, happening: Happening) -> str | None:
        """`lxc config set cluster.healing_threshold`."""
        server = self.site.member(happening)
        if server is None or not server.generation.modern:
            return None
        server.records.config["cluster.healing_threshold"] = "30"
        return "after 30 s"

    def snap_restart(self, happening: Happening) -> str | None:
        """`snap restart lxd`: instances stop and start, ephemeral ones are gone."""
        server = self.site.member(happening)
        if server is None:
            return None
        self.site.stops(server)
        server.stop_instances()
        server.kill_daemon()
        server.start_daemon()
        return f"on machine {server.machine}"

    def evacuate_off(self, happening: Happening) -> str | None:
        """A member is evacuated, and its machine is off for a while."""
        server = self.site.member(happening)
        if server is None or not self.site.is_up(server):
            return None
        self.site.stops(server)
        self._evacuating.add(server.machine)
        self.engine.spawn("", "", partial(self._evacuate_off, server, happening.seconds))
        return f"machine {server.machine} for {happening.seconds:.0f} s"

    def _evacuate_off(self, server: Server, seconds: float) -> None:
        with suppress(LxdError, LxdUnreachable):
            evacuate(server, server.name)
        self._evacuating.discard(server.machine)
        if server.powered and self.site.is_up(server) and not self.engine.faults_over:
            self.site.off(server)
            self.engine.later(seconds, self.site.on, server)

    def join_by_hand(self, happening: Happening) -> str | None:
        """A machine that Juju does not have joins, and is off for a while later."""
        member = self.site.member(happening)
        if member is None or member.records.joining or self.ledger.theirs:
            return None
        server = self._machine()
        try:
            by_hand.join(server, member)
        except Refusal as refusal:
            self.engine.note(f"it does not join: {refusal}", "operator")
            return None
        self.engine.later(happening.seconds, server.power_off)
        self.engine.later(happening.seconds + 120.0, server.power_on)
        return f"{server.hostname} through machine {member.machine}"

    def _machine(self) -> Server:
        number = str(_FIRST + len(self.ledger.theirs))
        server = self.engine.cloud.add(number, f"m{number}", address(number))
        self.ledger.theirs.add(number)
        server.revision = "1"
        server.start_daemon()
        server.ready = self.engine.now
        return server

    def bootstrap_by_hand(self, happening: Happening) -> str | None:
        """`lxd init` on the machine of a unit that is not in a cluster yet: it is the operator's
        own.
        """
        outside = [s for s in self._machines() if s.installed and not s.records.clustered]
        busy = {task.machine for task in self.engine.tasks.values()}
        free = [s for s in outside if s.machine not in busy and s.files.forming() is None]
        free = [s for s in free if s.silence() is None]
        if not free or not any(s.records.clustered for s in self._machines()):
            return None
        server = free[happening.unit % len(free)]
        if server.working("bootstrap") or server.records.pools:
            return None
        self.ledger.theirs.add(server.machine)
        by_hand.bootstrap(server)
        return f"on machine {server.machine}"

    def _machines(self) -> list[Server]:
        units, servers = self.engine.units.values(), self.engine.cloud.servers
        return [servers[u.machine] for u in units if u.machine in servers]

    def recover_quorum(self, happening: Happening) -> str | None:
        """The action, run by an operator who has not looked first."""
        unit = self.site.unit(happening)
        if unit is None or unit.failure is not None:
            return None
        try:
            confirmed = {"confirm": refusal.confirmation("recover", unit.name)}
            self.engine.juju.run_action(self.engine.now, unit.name, "recover-quorum", confirmed)
        except JujuError:
            return None
        return f"on {unit.name}"
