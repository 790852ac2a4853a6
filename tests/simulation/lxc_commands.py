# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""What an operator types into `lxc` because a status says so."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial

from lab.model.state import Unit
from lxd.api import LxdApi
from lxd.client import Client
from lxd.errors import LxdError, LxdUnreachable
from lxd.http import api_path
from records import not_running
from tests.lxd_model import by_hand
from tests.lxd_model.records import State
from tests.lxd_model.refusal import Refusal
from tests.lxd_model.things import DEFAULT
from tests.simulation.commands import Commands, held_on
from tests.simulation.site import Site, answers, notes_of


class LxcCommands:
    """A method for each advice. It needs a member that answers, and does nothing without one."""

    def __init__(self, site: Site, commands: Commands) -> None:
        self.site = site
        self.engine = site.engine
        self.ledger = site.ledger
        self.commands = commands

    def start_lxd(self, unit: Unit) -> None:
        self.engine.operator_does("snap start lxd", f"on machine {unit.machine}")
        self.engine.cloud.servers[unit.machine].start_daemon()

    def reload_member(self, _: Unit | None, name: str) -> None:
        """The member's machine may have no unit any more."""
        for server in self.engine.cloud.servers.values():
            row = server.row()
            if row is not None and server.records.rows.get(name) is row:
                self.engine.operator_does("snap restart --reload lxd", f"on {name}")
                server.kill_daemon()
                server.start_daemon()
                return

    def delete_pool(self, unit: Unit, name: str) -> None:
        self.engine.operator_does("lxc storage delete", name)
        self.engine.cloud.servers[unit.machine].records.pools.pop(name, None)

    def remove_profile_device(self, unit: Unit, name: str) -> None:
        self.engine.operator_does("lxc profile device remove default", name)
        records = self.engine.cloud.servers[unit.machine].records
        default = records.profiles[DEFAULT, DEFAULT]
        devices = {n: d for n, d in default.devices.items() if n != name}
        records.profiles[DEFAULT, DEFAULT] = replace(default, devices=devices)

    def delete_half_made_pool(self, unit: Unit, name: str) -> None:
        self.engine.operator_does("lxc storage delete", name)
        self._ask(unit, "DELETE", api_path("storage-pools", name))

    def finish_pool(self, unit: Unit, name: str, driver: str) -> None:
        self.engine.operator_does("lxc storage create", name)
        body = {"name": name, "driver": driver}
        self._ask(unit, "POST", api_path("storage-pools"), body)

    def start_what_ran_on(self, member: str) -> None:
        """`lxc start` for everything that a note names."""
        for server in self.site.live_servers():
            if not answers(server):
                continue
            named = not_running.read(notes_of(server.records)).get(member, {})
            lxd = LxdApi(server.lxd).instances
            for instance in list(server.records.instances.values()):
                if str(instance) in named and not instance.running:
                    self.engine.operator_does("lxc start", instance)
                    self._try(partial(lxd.start, instance.project, instance.name))
            return

    def delete_network(self, unit: Unit, name: str) -> None:
        self.engine.operator_does("lxc network delete", name)
        self._ask(unit, "DELETE", api_path("networks", name))

    def _ask(self, unit: Unit, method: str, path: str, body: object = None) -> None:
        """One request to a unit's LXD, with any result."""
        lxd = Client(self.engine.cloud.servers[unit.machine].lxd)
        self._try(partial(lxd.change, method, path, body))

    def _try(self, command: Callable[[], object]) -> None:
        def do() -> None:
            with suppress(LxdError, LxdUnreachable):
                command()

        self.engine.spawn("", "", do)

    def remove_dead_member(self, _: Unit, name: str) -> None:
        for server in self.site.live_servers():
            row = server.records.rows.get(name)
            if answers(server) and row is not None:
                self.engine.operator_does("lxc cluster remove --force", name)
                # This loses what the machine still has: the charm must not advise it then.
                if row.server in self.ledger.given_up:
                    self.ledger.deleted.update(map(str, held_on(server.records, name)))
                self.ledger.removed.add(name)
                self.commands.force_out(server, name)
                return

    def start_or_remove(self, _: None, name: str) -> None:
        """A member without a unit is down: it is started, or removed if its machine is lost."""
        for server in self.site.live_servers():
            row = server.records.rows.get(name)
            if row is None or not answers(server):
                continue
            machine = self.engine.cloud.servers.get(row.server)
            if machine is not None and not machine.destroyed:
                self.engine.operator_does("starts the machine of", name)
                machine.start_daemon()
                return
            self.engine.operator_does("lxc cluster remove --force", name)
            self.ledger.deleted.update(map(str, held_on(server.records, name)))
            self.ledger.removed.add(name)
            self.commands.force_out(server, name)
            return

    def restore(self, _: Unit | None) -> None:
        for server in self.site.live_servers():
            if not answers(server):
                continue
            for row in list(server.records.rows.values()):
                if row.state is State.EVACUATED:
                    self.engine.operator_does("lxc cluster restore", row.name)
                    with suppress(Refusal):
                        by_hand.restore(server, row.name)
            return
