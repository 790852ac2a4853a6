# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Machines and the agents on them: starting, ending, rebooting."""

from __future__ import annotations

from collections.abc import Sequence

from lab.model import addresses, agents, leadership
from lab.model.errors import JujuError
from lab.model.state import DEFAULT_SPACE, Interface, Machine, State, StatusValue, Unit


def add_machine(state: State, now: float, zone: str, constraints: str) -> str:
    """Ask for a machine; returns its id."""
    number = state.counters.machine
    state.counters.machine += 1
    zones = state.model.zones
    if not zone and zones:
        zone = zones[number % len(zones)]
    state.machines[str(number)] = Machine(
        id=str(number), since=now, zone=zone, constraints=constraints
    )
    return str(number)


def refusal(state: State, machine: Machine) -> str:
    """Why Juju cannot make a machine, empty if it can.

    It must be in the spaces of all its units' bindings, and each needs a subnet. Bindings that are
    all in the default space ask for none (read in Juju's buildNetworkTopology).
    """
    if not state.model.spaces_without_subnets:
        return ""
    apps = {unit.app for unit in _units_on(state, machine.id)}
    spaces: set[str] = set()
    for app in map(state.applications.__getitem__, apps):
        bindings = state.charms[app.charm].bindings()
        spaces |= {addresses.space_of(app, binding) for binding in bindings}
    empty = sorted(spaces & set(state.model.spaces_without_subnets))
    if spaces == {DEFAULT_SPACE} or not empty:
        return ""
    return f'cannot use space "{empty[0]}" as deployment target: no subnets'


def machine_up(
    state: State, now: float, machine_id: str, hostname: str, interfaces: Sequence[Interface]
) -> None:
    """The machine is usable: the agents of its units run."""
    machine = _machine(state, machine_id)
    machine.hostname = hostname
    _set_interfaces(machine, interfaces)
    if machine.status == "stopping":
        return
    machine.status = "started"
    machine.since = now
    for unit in _units_on(state, machine_id):
        agent_back(state, now, unit.name)


def machine_rebooted(state: State, now: float, machine_id: str) -> None:
    """The machine is up after a reboot."""
    machine = _machine(state, machine_id)
    machine.status = "started"
    machine.since = now
    for unit in _units_on(state, machine_id):
        agents.kill_running(state, now, unit.name)
        unit.reboot_noted = unit.started
        agent_back(state, now, unit.name)


def addresses_changed(state: State, machine_id: str, interfaces: Sequence[Interface]) -> None:
    """Store the machine's addresses."""
    _set_interfaces(_machine(state, machine_id), interfaces)


def machine_lost(state: State, now: float, machine_id: str) -> None:
    """The machine is cut off, with all its agents."""
    machine = _machine(state, machine_id)
    machine.status = "down"
    machine.since = now
    for unit in _units_on(state, machine_id):
        agent_lost(state, now, unit.name)


def machine_destroyed(state: State, machine_id: str) -> None:
    """Forget a machine without units."""
    if not _units_on(state, machine_id):
        state.machines.pop(machine_id, None)


def agent_lost(state: State, now: float, unit_name: str) -> None:
    """The unit's agent is gone: its hook is killed, its lease expires."""
    unit = state.units[unit_name]
    if unit.agent != "up":
        return
    agents.kill_running(state, now, unit_name)
    unit.agent = "down"
    unit.agent_since = now
    leadership.lapse(state, now, unit)


def agent_back(state: State, now: float, unit_name: str) -> None:
    """The unit's agent runs, and has lost its cache."""
    unit = state.units[unit_name]
    unit.agent = "up"
    unit.agent_since = now
    if not unit.charm and not unit.status_set:
        unit.workload = StatusValue("waiting", "agent initialising", now)
    for local in unit.relations.values():
        local.cache = {}
    if unit.life == "alive":
        leadership.claim(state, now, unit)


def _units_on(state: State, machine_id: str) -> list[Unit]:
    return [unit for unit in state.units.values() if unit.machine == machine_id]


def _machine(state: State, machine_id: str) -> Machine:
    machine = state.machines.get(machine_id)
    if machine is None:
        raise JujuError(f"machine {machine_id} not found")
    return machine


def _set_interfaces(machine: Machine, interfaces: Sequence[Interface]) -> None:
    before = [(i.name, i.space, i.addresses) for i in machine.interfaces]
    after = [(i.name, i.space, i.addresses) for i in interfaces]
    machine.interfaces = list(interfaces)
    if before != after:
        machine.address_version += 1
