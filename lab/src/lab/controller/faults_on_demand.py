# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Faults on demand, for tests. Juju does not offer them."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable

from lab.controller.host_provider import Host
from lab.controller.machine_agent import MachineAgent
from lab.controller.model_store import ModelStore
from lab.model.errors import JujuError
from lab.model.juju import Juju


class FaultsOnDemand:
    """Faults of one model's machines, agents and leadership. Unknown names raise JujuError."""

    def __init__(self, store: ModelStore, agent: Callable[[str], MachineAgent]) -> None:
        """`agent` finds the agent of a machine."""
        self._store = store
        self._agent = agent

    def kill_hook(self, unit: str) -> str:
        """Kill the hook that the unit runs, as if its agent had died; the hook's name."""
        name = self._agent(self._machine_of(unit)).hooks.kill(unit)
        if name is None:
            raise JujuError(f"{unit} is not running a hook")
        return name

    def wait_message(self, target: str, message: str, wait: float) -> str | None:
        """Wait until the message of a unit, or of any unit of an application, matches the glob.

        The unit's name; None after `wait` seconds. The unit may not exist yet.
        """

        def fitting(juju: Juju) -> str | None:
            for unit in juju.state.units.values():
                named = target in (unit.name, unit.app)
                if named and fnmatch.fnmatchcase(unit.workload.message, message):
                    return unit.name
            return None

        return self._store.wait_until(fitting, wait)

    def power_cut(self, machine: str) -> None:
        """Cut a machine's power. It stays off until `power_on`."""
        host = self._host(machine)
        with self._store.changing() as juju:
            juju.machine_lost(self._store.now(), machine)
        host.power_off_hard()

    def power_on(self, machine: str) -> None:
        """Restore a machine's power. Returns before it is up."""
        self._host(machine)
        self._store.wishes.power_on.add(machine)
        self._store.wake()

    def fail_goal_state(self, message: str) -> None:
        """Let `goal-state` fail with a message on every unit; an empty message ends that."""
        with self._store.changing() as juju:
            juju.state.faults.goal_state = message

    def release_machine(self, machine: str) -> None:
        """Release a machine that Juju no longer has, as its cloud does on request."""
        with self._store.looking() as juju:
            if machine not in juju.machines_left():
                raise JujuError(f"machine {machine} is not one that was left to run on")
        self._store.host(machine).destroy()
        with self._store.changing() as juju:
            juju.machine_released(machine)

    def reboot(self, machine: str) -> None:
        """Reboot a machine, whatever its units do. Returns when the next boot begins."""
        self._host(machine).reboot()

    def link(self, machine: str, interface: str, state: str) -> None:
        """Take a network interface of a machine up or down."""
        host = self._host(machine)
        if state == "up":
            host.link_up(interface)
        else:
            host.link_down(interface)

    def move_leader(self, app: str, unit: str) -> None:
        """Give the leadership to a unit at once, as if the old lease had expired."""
        self._machine_of(unit)
        with self._store.changing() as juju:
            juju.move_leadership(self._store.now(), app, unit)

    def stop_agent(self, unit: str) -> None:
        """Kill a unit's agent and the hook that it runs: no hooks run, and its lease expires."""
        machine = self._machine_of(unit)
        with self._store.changing() as juju:
            juju.agent_lost(self._store.now(), unit)
        self._agent(machine).hooks.kill(unit)

    def start_agent(self, unit: str) -> None:
        """Start an agent that `stop_agent` has stopped."""
        self._machine_of(unit)
        with self._store.changing() as juju:
            juju.agent_back(self._store.now(), unit)

    def hold(self, unit: str, hook: str) -> None:
        """Keep a unit from starting hooks with names that match the glob, until `release`."""
        self._machine_of(unit)
        self._store.wishes.held[unit] = hook

    def wait_held(self, unit: str, wait: float) -> str | None:
        """Wait until the unit is held before a hook; the hook's name.

        None after `wait` seconds.
        """
        self._machine_of(unit)

        def held_before(_: Juju) -> str | None:
            return self._store.wishes.at_hold.get(unit)

        return self._store.wait_until(held_before, wait)

    def release(self, unit: str) -> None:
        """Let a held unit continue."""
        self._store.wishes.held.pop(unit, None)
        self._store.wishes.at_hold.pop(unit, None)
        self._store.wake()

    def _machine_of(self, unit: str) -> str:
        with self._store.looking() as juju:
            unit_state = juju.state.units.get(unit)
        if unit_state is None:
            raise JujuError(f'unit "{unit}" not found')
        return unit_state.machine

    def _host(self, machine: str) -> Host:
        with self._store.looking() as juju:
            if machine not in juju.state.machines:
                raise JujuError(f"machine {machine} not found")
        return self._store.host(machine)
