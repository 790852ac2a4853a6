"""How units, applications and machines go, in order and by force."""

from __future__ import annotations

from lab.model import leadership, relations, storage, tasks
from lab.model.errors import JujuError
from lab.model.state import State, Unit


def remove_unit(state: State, now: float, name: str, *, destroy_storage: bool) -> None:
    """Let a unit die: its hooks say goodbye. Raises JujuError when there is none such."""
    unit = state.units.get(name)
    if unit is None:
        raise JujuError(f'unit "{name}" not found')
    unit.life = "dying"
    unit.destroy_storage = unit.destroy_storage or destroy_storage
    for instance in state.storage.values():
        if instance.unit == name:
            instance.life = "dying"
    leave_if_idle(state, now, unit)


def remove_application(state: State, now: float, name: str, *, destroy_storage: bool) -> list[str]:
    """Let an application die with its units and relations; returns the units still there."""
    app = state.applications.get(name)
    if app is None:
        raise JujuError(f'application "{name}" not found')
    app.life = "dying"
    for relation in list(state.relations.values()):
        if any(end.app == name for end in relation.ends) and not relations.is_peer(relation):
            relations.destroy(state, relation)
    for unit in [unit for unit in state.units.values() if unit.app == name]:
        remove_unit(state, now, unit.name, destroy_storage=destroy_storage)
    drop_finished_applications(state)
    return [unit.name for unit in state.units.values() if unit.app == name]


def remove_machine(state: State, now: float, machine_id: str, *, force: bool) -> None:
    """Give a machine up. Raises JujuError when units are on it and it is not forced."""
    machine = state.machines.get(machine_id)
    if machine is None:
        raise JujuError(f"machine {machine_id} not found")
    units = [unit.name for unit in state.units.values() if unit.machine == machine_id]
    if units and not force:
        raise JujuError(f'machine {machine_id} has unit "{units[0]}" assigned')
    for name in units:
        force_out(state, now, name)
    machine.status = "stopping"
    machine.since = now


def leave_in_order(state: State, now: float, name: str) -> None:
    """The unit has said goodbye and is gone: Juju revokes its lease, the others are told."""
    unit = _forget_unit(state, now, name)
    leadership.release(state, now, unit)
    for relation_id in list(unit.relations):
        if relation_id in state.relations:
            relations.leave_scope(state, state.relations[relation_id], name)
    drop_finished_applications(state)


def force_out(state: State, now: float, name: str) -> None:
    """The unit is gone without a word: its lease lapses, and the others may never be told."""
    unit = _forget_unit(state, now, name)
    leadership.lapse(state, now, unit)
    if not state.faults.lost_departures:
        for relation_id in list(unit.relations):
            if relation_id in state.relations:
                relations.leave_scope(state, state.relations[relation_id], name)
    drop_finished_applications(state)


def leave_if_idle(state: State, now: float, unit: Unit) -> None:
    """A dying unit that never came to install anything goes at once: no hook is due on it."""
    if (
        unit.life == "dying"
        and not unit.installed
        and unit.running is None
        and unit.failure is None
        and unit.queued is None
        and not unit.storage_attached
    ):
        leave_in_order(state, now, unit.name)


def drop_finished_applications(state: State) -> None:
    """Forget the dying applications that have neither units nor relations left."""
    for app in [app for app in state.applications.values() if app.life == "dying"]:
        ends = [
            relation
            for relation in state.relations.values()
            if any(end.app == app.name for end in relation.ends)
        ]
        busy = any(not relations.is_peer(relation) for relation in ends)
        if busy or any(unit.app == app.name for unit in state.units.values()):
            continue
        for relation in ends:
            del state.relations[relation.id]
        for secret in [s for s in state.secrets.values() if s.owner == app.name]:
            del state.secrets[secret.uri]
        del state.applications[app.name]


def _forget_unit(state: State, now: float, name: str) -> Unit:
    """Take a unit out of everything but its relations and its lease."""
    unit = state.units.pop(name)
    open_tasks = list(unit.pending_tasks)
    if unit.running is not None and unit.running.run.task_id:
        open_tasks.append(unit.running.run.task_id)
    for task_id in open_tasks:
        tasks.finish(state, now, state.tasks[task_id], "failed", "unit removed")
    for instance in [i for i in state.storage.values() if i.unit == name]:
        storage.released(state, unit, instance.id)
    for secret in [s for s in state.secrets.values() if s.owner == name]:
        del state.secrets[secret.uri]
    for secret in state.secrets.values():
        secret.consumers.pop(name, None)
    machine = state.machines[unit.machine]
    # A machine goes with its last unit.
    if not any(other.machine == machine.id for other in state.units.values()):
        machine.status = "stopping"
        machine.since = now
    return unit
