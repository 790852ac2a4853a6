# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""An operator who looks at `juju status` now and then and does what it says."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import yaml

from actions import refusal
from lab.model.errors import JujuError
from lab.model.state import Unit
from plan.recovery import quorum
from records import loss_record
from state.notes import IDENTITY
from tests.lxd_model.pools import LEFT, uuid_of
from tests.lxd_model.server import Server
from tests.simulation.commands import Commands, held_on
from tests.simulation.engine import APP
from tests.simulation.lxc_commands import LxcCommands
from tests.simulation.retiring import evacuate_and_remove, stays
from tests.simulation.site import Site, answers, notes_of

DEVICES = "/dev/vd*"


class ObedientOperator:
    """Does only what a status asks for."""

    def __init__(self, site: Site, commands: Commands) -> None:
        self.site = site
        self.engine = site.engine
        self.ledger = site.ledger
        self.commands = commands
        self.lxc = LxcCommands(site, commands)
        self._set: set[str] = set()
        """What was done once and is not done again."""
        self._seen: dict[str, tuple[str, int]] = {}
        """By unit: its status, and the number of looks since it first appeared."""
        self._cures: dict[str, Callable[..., None]] = {
            r"run retry-join": self._retry_join,
            r"snap start lxd": self.lxc.start_lxd,
            r"leader (\S+) sends no heartbeats; there: snap restart": self.lxc.reload_member,
            r"rename this machine": self._rename,
            r"lxc cluster remove --force (\S+)": self.lxc.remove_dead_member,
            r"keeps its size; set (\S+)=(\S+)": self._configure,
            r"cuts off .*; set (network-disruptive)=(true)": self._configure,
            r"(storage-images-volume)=\S+: use one of ([\w-]+)": self._configure,
            r"address changed from ([^ :]+)\S* to": self._give_address,
            r"lxc cluster restore": self.lxc.restore,
            r"LXD here has a (?:storage )?pool (\S+?):? ": self.lxc.delete_pool,
            r"LXD here has a profile device (\S+): delete": self.lxc.remove_profile_device,
            r"holds \w+: run wipe-device": self._wipe_device,
            r"remove this unit": self._replace,
            r"in another cluster, .*: use another machine": self._use_another,
            r"half made: lxc storage create (\S+) (\S+)": self.lxc.finish_pool,
            r"half made: lxc storage delete (\S+)": self.lxc.delete_half_made_pool,
            r"finish it, or lxc network delete (\S+)": self.lxc.delete_network,
            r"run let-in": self._let_in,
            r"juju run \S+/leader take-back": self._take_back,
            r"exchange LXD: (\S+) has no unit": self._retire,
            r"has no local buckets: copy and delete (\S+)/(\S+) on": self._delete_bucket,
            r"pool (\S+) is on devices: name this machine's in (\S+)": self._name_devices,
            r"pool \S+: \S+ uses no devices; name none for it": self._name_no_devices,
            **commands.exchanges.cures,
        }
        """What a unit's status asks for, and the method that does it."""
        self._cures_for_all: dict[str, Callable[..., None]] = {
            r"run forget-lost name=(\S+?)(?:\.\.\.)?$": self._forget_lost,
            r"start \S+.* if (\S+) is off, or run forget-lost": self._start_if_off,
            r"evacuate it, then lxc cluster remove (\S+)": self._retire,
            r"(\S+) has no unit(?:: move what it holds|, and the only copy)": self._retire,
            r"(\S+) is offline and has no unit: start it": self.lxc.start_or_remove,
            r"(\S+) may be the last member: bring its LXD back": self._give_up,
            r"run form-again": self._form_again,
            r"the pool (\S+) is in a Ceph and empty": self._remove_pool,
            r"lxc cluster restore": self.lxc.restore,
            r"leader (\S+) sends no heartbeats; there: snap restart": self.lxc.reload_member,
        }
        """The same for the application's status."""

    def look(self) -> None:
        """One look at the status, and what it says to do."""
        engine = self.engine
        for unit in list(engine.units.values()):
            status = status_of(unit)
            before, looks = self._seen.get(unit.name, ("", 0))
            looks = looks + 1 if before == status else 0
            self._seen[unit.name] = (status, looks)
            if unit.name in engine.units and looks >= 1:
                self._help(unit, status, looks)
        shown = engine.juju.state.applications[APP].status
        if shown is not None:
            before, looks = self._seen.get(APP, ("", 0))
            self._seen[APP] = (shown.message, looks + 1 if before == shown.message else 0)
            if self._seen[APP][1] >= 4:
                self._help_application(shown.message)

    def _action(self, unit: str, action: str, **params: str) -> None:
        engine = self.engine
        if engine.units[unit].pending_tasks:
            return
        try:
            engine.juju.run_action(engine.now, unit, action, params)
        except JujuError:
            return
        self.engine.operator_does(f"juju run {action}", f"on {unit} {params}")

    def _help(self, unit: Unit, status: str, looks: int) -> None:
        if unit.failure is not None and unit.life == "dying":
            self._help_leaver(unit, looks)
            return
        if re.search(r"run recover-quorum|(?<!there: )snap restart --reload lxd", status):
            self._help_silent(unit, looks)
            return
        self._cure(unit, status, self._cures)

    @staticmethod
    def _cure(unit: Unit, status: str, cures: Mapping[str, Callable[..., None]]) -> None:
        """Does what the first of the cures that fits the status says."""
        for pattern, cure in cures.items():
            if found := re.search(pattern, status):
                cure(unit, *found.groups())
                return

    def _retry_join(self, unit: Unit) -> None:
        self._action(unit.name, "retry-join")

    def _rename(self, unit: Unit) -> None:
        server = self.engine.cloud.servers[unit.machine]
        server.hostname = f"renamed{unit.machine}"
        self.engine.operator_does("hostnamectl hostname", server.hostname)

    def _configure(self, _: Unit, option: str, value: str) -> None:
        self.engine.operator_does("juju config", f"{option}={value}")
        self.engine.juju.set_config(APP, {option: value})

    def _delete_bucket(self, unit: Unit, pool: str, name: str) -> None:
        """Its operator has copied it."""
        records = self.engine.cloud.servers[unit.machine].records
        for bucket in [b for b in records.buckets.values() if (b.pool, b.name) == (pool, name)]:
            self.engine.operator_does("lxc storage bucket delete", bucket)
            self.commands.delete(bucket)

    def _let_in(self, unit: Unit) -> None:
        self._action(unit.name, "let-in")

    def _take_back(self, unit: Unit) -> None:
        """The cluster of an earlier deployment; the action first names its members."""
        lease = self.engine.juju.state.applications[APP].lease
        notes = notes_of(self.engine.cloud.servers[unit.machine].records)
        confirm = refusal.confirmation("take-back", notes.get(IDENTITY, "")[:8])
        if lease is not None and lease.holder in self.engine.units:
            self._action(lease.holder, "take-back", confirm=confirm)

    def _name_devices(self, unit: Unit, pool: str, option: str) -> None:
        """As it was when the pool was made. Other pools of the option stay in it."""
        if option == "storage-devices":
            self._configure(unit, option, DEVICES)
            return
        value = self.engine.juju.state.applications[APP].config.get(option)
        found: Any = yaml.safe_load(str(value or "{}"))
        pools: dict[str, Any] = {**found, pool: {"backend": "btrfs", "devices": DEVICES}}
        self._configure(unit, option, yaml.safe_dump(pools))

    def _name_no_devices(self, _: Unit) -> None:
        """They were named for another pool, which is gone with its cluster."""
        self.engine.operator_does("juju config --reset", "storage-devices")
        self.engine.juju.reset_config(APP, ["storage-devices"])

    def _wipe_device(self, unit: Unit) -> None:
        """A device that LXD left behind, never one with an operator's data."""
        devices = self.engine.cloud.servers[unit.machine].devices
        device = next((path for path, holds in devices.items() if holds == LEFT), None)
        if device is not None:
            self._action(
                unit.name,
                "wipe-device",
                device=device,
                confirm=refusal.confirmation("wipe", uuid_of(device)),
            )

    def _give_address(self, unit: Unit, address: str) -> None:
        self.engine.operator_does("gives a machine its address back", address)
        self.site.set_address(unit.machine, address)

    def _help_silent(self, unit: Unit, looks: int) -> None:
        """First checks whether most members are up, then starts LXD again."""
        server = self.engine.cloud.servers.get(unit.machine)
        if looks < 3 or server is None:
            return
        if not any(answers(s) for s in self.site.live_servers()):
            self._recover(unit)
        elif looks % 5 == 3:
            self.engine.operator_does("snap restart --reload lxd", f"on machine {unit.machine}")
            server.kill_daemon()
            server.start_daemon()

    def _help_leaver(self, unit: Unit, looks: int) -> None:
        """Moves or deletes what holds the unit, and lets it continue; in the end leaves everything
        behind.
        """
        server = self.engine.cloud.servers[unit.machine]
        # Once: a leader whose own hook fails cannot move the queue, and its hook must run again.
        if "run let-in" in unit.workload.message and looks == 3:
            self._let_in(unit)
            return
        if "restart this unit's agent" in unit.workload.message and unit.running is None:
            self._restart_agent(unit)
            return
        if looks % 3 == 2:
            self._cure(unit, unit.workload.message, self.commands.exchanges.cures)
        if "add a unit first" in unit.workload.message:
            self._add_unit(unit.name)
        if name := self._without_unit(unit, looks):
            self._retire(None, name)
            return
        if "LXD does not answer" in unit.workload.message and self._shares(unit):
            self._revive(unit, looks)
            return
        if looks < 6 and not self._others_answer(server):
            return
        self._delete_held(server)
        if looks >= 6 and "on-remove=abandon" not in self._set:
            self._set.add("on-remove=abandon")
            self.engine.operator_does("juju config on-remove=abandon")
            self.engine.juju.set_config(APP, {"on-remove": "abandon"})
        if unit.failure is not None and unit.running is None:
            self.engine.operator_does("juju resolved", unit.name)
            self.engine.juju.resolved(self.engine.now, unit.name)

    def _delete_held(self, server: Server) -> None:
        """Deletes what holds a leaving member."""
        if server.records.clustered:
            for thing in held_on(server.records, server.name):
                self.engine.operator_does("lxc delete", thing)
                self.commands.delete(thing)

    def _without_unit(self, unit: Unit, looks: int) -> str:
        """The member that must go before the unit can, or that may go if no other unit joins."""
        before = re.search(r"(\S+) has no unit: move what", unit.workload.message)
        instead = re.search(r"lxc cluster remove (\S+)", self.engine.errors.get(unit.name, ""))
        found = before if looks < 6 else instead
        return found[1] if found else ""

    def _shares(self, unit: Unit) -> bool:
        """Whether the unit's cluster has other members."""
        machines = {u.machine for u in self.engine.units.values() if u is not unit}
        servers = self.engine.cloud.servers
        return any(servers[m].records.clustered for m in machines if m in servers)

    def _revive(self, unit: Unit, looks: int) -> None:
        """Lets the LXD of a leaving unit answer again, or gives it up with its machine."""
        server = self.engine.cloud.servers[unit.machine]
        if looks >= 12 and self.site.can_lose(server):
            self.site.force_remove(unit.name)
        else:
            self._help_silent(unit, looks)

    def _add_unit(self, why: str) -> None:
        """Once for each reason."""
        if why not in self._set:
            self._set.add(why)
            self.engine.operator_does("juju add-unit")
            self.engine.juju.add_units(self.engine.now, APP)

    def _others_answer(self, server: Server) -> bool:
        return any(
            other is not server and answers(other) and not other.destroyed
            for other in self.engine.cloud.servers.values()
        )

    def _recover(self, unit: Unit) -> None:
        """Runs the action where its last answer said, otherwise where the status says."""
        asked = [t for t in self.engine.juju.state.tasks.values() if t.name == "recover-quorum"]
        message = asked[-1].message if asked else ""
        named = re.search(r"run it on (\S+):", message)
        if named is None or named[1] not in self.engine.units or named[1] == unit.name:
            confirm = refusal.confirmation("recover", unit.name)
            answers = [t.message for t in asked if t.unit == unit.name and t.message]
            answer = answers[-1] if answers else ""
            if quorum.RESTART_AGENT in answer:
                self._restart_agent(unit)
            lost = self._destroyed(answer)
            self._action(
                unit.name, "recover-quorum", confirm=confirm, **({"lost": lost} if lost else {})
            )

    def _restart_agent(self, unit: Unit) -> None:
        self.engine.operator_does(quorum.RESTART_AGENT, f"on machine {unit.machine}")
        self.engine.juju.agent_lost(self.engine.now, unit.name)
        self.engine.juju.agent_back(self.engine.now, unit.name)

    def _destroyed(self, message: str) -> str:
        """The voters that the action waits for, if none of their machines can come back."""
        if again := re.search(r"run it again in \d+ min, with lost=(\S+)", message):
            return again[1]
        waits = re.search(r"start LXD on ([^;]+); .* or lost=UNIT", message)
        wanted = waits[1].replace(" and ", ", ").split(", ") if waits else []
        gone = {s.name for s in self.engine.cloud.servers.values() if s.destroyed}
        return ",".join(wanted) if gone >= set(wanted) else ""

    def _replace(self, unit: Unit) -> None:
        """`remove this unit, then add another`, as the status says."""
        if unit.life != "alive":
            return
        self.engine.operator_does("juju remove-unit, juju add-unit", unit.name)
        self.engine.juju.remove_unit(self.engine.now, unit.name)
        self.engine.juju.add_units(self.engine.now, APP)

    def _use_another(self, unit: Unit) -> None:
        """Operators recognize their own cluster, and do not touch the units of ours."""
        if unit.machine in self.ledger.theirs:
            self._replace(unit)

    def _help_application(self, message: str) -> None:
        for pattern, cure in self._cures_for_all.items():
            if found := re.search(pattern, message):
                cure(None, *found.groups())
                return

    def _remove_pool(self, _: None, pool: str) -> None:
        """`remove-pool`: nothing is on it."""
        lease = self.engine.juju.state.applications[APP].lease
        if lease is not None and lease.holder in self.engine.units:
            self._action(lease.holder, "remove-pool", name=pool)

    def _give_up(self, _: None, unit: str) -> None:
        """The operator cannot bring it back, and knows what is lost with it."""
        self.site.force_remove(unit)

    def _form_again(self, _: None) -> None:
        """Gives up for good what the machines of removed units held."""
        lease = self.engine.juju.state.applications[APP].lease
        wanted = {u.machine for u in self.engine.units.values()}
        self.ledger.given_up.update(m for m in self.engine.cloud.servers if m not in wanted)
        left = {thing for m in wanted for thing in self.engine.cloud.servers[m].disk}
        self.ledger.deleted.update(self.ledger.made.keys() - left)
        if lease is not None and lease.holder in self.engine.units:
            self._action(lease.holder, "form-again", confirm="yes-the-cluster-is-gone")

    def _forget_lost(self, _: None, name: str) -> None:
        for unit in self.engine.units.values():
            server = self.engine.cloud.servers.get(unit.machine)
            if server is not None and answers(server):
                for things in _lost(server, name):
                    self.ledger.deleted.add(things)
                self._action(unit.name, "forget-lost", name=name)
                return

    def _start_if_off(self, _: None, name: str) -> None:
        """Starts what ran on a dead member, after a look at its machine; or leaves it stopped."""
        machines = [s for s in self.engine.cloud.servers.values() if name in (s.name, s.hostname)]
        if any(s.powered for s in machines):
            self._forget_lost(None, name)
        else:
            self.lxc.start_what_ran_on(name)

    def _retire(self, _: Unit | None, name: str) -> None:
        """Evacuates a member without a unit, and removes it from the cluster."""
        for server in self.site.live_servers():
            row = server.records.rows.get(name)
            if row is None or not answers(server):
                continue
            if not self.site.others_have_database(self.engine.cloud.servers[row.server]):
                # It has the only copy of the database: another member needs one before it goes.
                self._add_unit(name)
                return
            self.engine.operator_does("lxc cluster evacuate, lxc cluster remove", name)
            self.site.stops(self.engine.cloud.servers[row.server])
            for thing in stays(server, row):
                self.commands.delete(thing)
            self.ledger.removed.add(name)
            self.engine.spawn("", "", partial(evacuate_and_remove, server, name))
            return


def _lost(server: Server, name: str) -> list[str]:
    found = loss_record.read(notes_of(server.records))
    return found.get(name, [name])


def status_of(unit: Unit) -> str:
    """A unit's status in one line."""
    if unit.failure is not None:
        return f"error in {unit.failure.run.name}: {unit.workload.message}"
    return f"{unit.workload.current}: {unit.workload.message}"
