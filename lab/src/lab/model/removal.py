# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""How units, applications and machines are removed, in order and by force."""

from __future__ import annotations

from lab.model import leadership, relations, storage, tasks
from lab.model.errors import JujuError
from lab.model.state import Force, Relation, State, Unit

FORCED_UNIT_SECONDS = 3.0
"""Seconds from `remove-unit --force` until the unit is out of Juju, as seen on 4.0.15."""
FORCED_MACHINE_SECONDS = 60.0
"""The same for `remove-machine --force`: Juju's default wait for a forced removal."""


def remove_unit(
    state: State, now: float, name: str, *, destroy_storage: bool, force: Force = ""
) -> None:
    """Let a unit die: its last hooks run. Raises JujuError when it does not exist.

    If the unit itself is forced, none of them run. If its machine is forced, they run while there
    is time and the agent lives.
    """
    unit = state.units.get(name)
    if unit is None:
        raise JujuError(f'unit "{name}" not found')
    unit.life = "dying"
    if force and not unit.force:
        unit.force = force
        wait = FORCED_UNIT_SECONDS if force == "unit" else FORCED_MACHINE_SECONDS
        unit.out_at = now + wait
    unit.destroy_storage = unit.destroy_storage or destroy_storage
    for instance in state.storage.values():
        if instance.unit == name:
            instance.life = "dying"
    leave_if_idle(state, now, unit)


def remove_application(
    state: State, now: float, name: str, *, destroy_storage: bool, force: Force = ""
) -> None:
    """Let an application die with its units and relations."""
    app = state.applications.get(name)
    if app is None:
        raise JujuError(f'application "{name}" not found')
    app.life = "dying"
    for relation in _relations_of(state, name):
        if not relations.is_peer(relation):
            relations.destroy(state, relation)
    for unit in _units_of(state, name):
        remove_unit(state, now, unit.name, destroy_storage=destroy_storage, force=force)
    let_go_with_application(state, now, name)
    drop_finished_applications(state)


def remove_machine(state: State, now: float, machine_id: str, *, force: bool) -> None:
    """Remove a machine. Raises JujuError when it has units and is not forced."""
    machine = state.machines.get(machine_id)
    if machine is None:
        raise JujuError(f"machine {machine_id} not found")
    units = [unit.name for unit in state.units.values() if unit.machine == machine_id]
    if units and not force:
        raise JujuError(f'machine {machine_id} has unit "{units[0]}" assigned')
    for name in units:
        remove_unit(state, now, name, destroy_storage=False, force="machine")
    if not any(unit.machine == machine_id for unit in state.units.values()):
        machine.status = "stopping"
        machine.since = now


def let_go_with_application(state: State, now: float, app_name: str) -> None:
    """The effect on a leaver whose hook fails while its application goes, too.

    Juju 4.0 takes the last unit out of its relations. It treats a unit with neither a relation nor
    storage as dead. 3.6 waits for its hooks.
    """
    app = state.applications.get(app_name)
    if state.model.rules != "4.0" or app is None or app.life == "alive":
        return
    units = _units_of(state, app_name)
    for unit in filter(_failed_while_leaving, units):
        if len(units) == 1:
            _leave_scopes(state, unit)
        elif _is_related(state, unit):
            continue
        if not any(instance.unit == unit.name for instance in state.storage.values()):
            force_out(state, now, unit.name)


def _failed_while_leaving(unit: Unit) -> bool:
    return unit.life == "dying" and unit.failure is not None and unit.running is None


def _is_related(state: State, unit: Unit) -> bool:
    return any(unit.name in relation.members for relation in state.relations.values())


def _leave_scopes(state: State, unit: Unit) -> None:
    """Take a unit that is in any relation's scope out of all its relations."""
    if not _is_related(state, unit):
        return
    for relation_id in list(unit.relations):
        if relation_id in state.relations:
            relations.leave_scope(state, state.relations[relation_id], unit.name)


def take_out(state: State, now: float) -> list[str]:
    """Take the units out of Juju whose time is over; returns their names."""
    due = [u.name for u in state.units.values() if u.out_at is not None and u.out_at <= now]
    for name in due:
        force_out(state, now, name)
    return due


def leave_in_order(state: State, now: float, name: str) -> None:
    """The unit has run its last hook and is gone: Juju revokes its lease and tells the others."""
    unit = _forget_unit(state, now, name)
    leadership.release(state, now, unit)
    _leave_relations(state, unit)
    drop_finished_applications(state)


def force_out(state: State, now: float, name: str) -> None:
    """The unit is gone without its last hooks, and the others may never hear of it.

    On 3.6 its lease expires. 4.0 revokes the lease when it deletes the unit.
    """
    unit = _forget_unit(state, now, name)
    if state.model.rules == "4.0":
        leadership.release(state, now, unit)
        _leave_relations(state, unit)
    else:
        leadership.lapse(state, now, unit)
        if not state.faults.lost_departures:
            _leave_relations(state, unit)
    drop_finished_applications(state)


def _leave_relations(state: State, unit: Unit) -> None:
    for relation_id in list(unit.relations):
        relation = state.relations.get(relation_id)
        if relation is None:
            continue
        if state.model.rules == "4.0":
            relations.withhold_departure(state, relation, unit.name)
        else:
            relations.leave_scope(state, relation, unit.name)


def leave_if_idle(state: State, now: float, unit: Unit) -> None:
    """A dying unit that never began to install goes at once: no hook is due on it."""
    if (
        unit.life == "dying"
        and not unit.installed
        and unit.running is None
        and unit.failure is None
        and unit.queued is None
        and not unit.storage_attached
        and unit.force != "unit"
    ):
        leave_in_order(state, now, unit.name)


def drop_finished_applications(state: State) -> None:
    """Forget the dying applications without units and relations."""
    for app in [app for app in state.applications.values() if app.life == "dying"]:
        own_relations = _relations_of(state, app.name)
        busy = any(not relations.is_peer(relation) for relation in own_relations)
        if busy or _units_of(state, app.name):
            continue
        for relation in own_relations:
            del state.relations[relation.id]
        _delete_secrets_of(state, app.name)
        del state.applications[app.name]


def _relations_of(state: State, app_name: str) -> list[Relation]:
    return [r for r in state.relations.values() if any(end.app == app_name for end in r.ends)]


def _units_of(state: State, app_name: str) -> list[Unit]:
    return [unit for unit in state.units.values() if unit.app == app_name]


def _delete_secrets_of(state: State, owner: str) -> None:
    for secret in [s for s in state.secrets.values() if s.owner == owner]:
        del state.secrets[secret.uri]


def _forget_unit(state: State, now: float, name: str) -> Unit:
    """Remove a unit from everything except its relations and its lease."""
    unit = state.units.pop(name)
    open_tasks = list(unit.pending_tasks)
    if unit.running is not None and unit.running.run.task_id:
        open_tasks.append(unit.running.run.task_id)
    for task_id in open_tasks:
        tasks.finish(state, now, state.tasks[task_id], "failed", "unit removed")
    for instance in [i for i in state.storage.values() if i.unit == name]:
        storage.released(state, unit, instance.id)
    _delete_secrets_of(state, name)
    for secret in state.secrets.values():
        secret.consumers.pop(name, None)
    _let_machine_go(state, now, unit)
    return unit


def _let_machine_go(state: State, now: float, unit: Unit) -> None:
    """A machine goes with its last unit. After a forced removal it is not released."""
    machine = state.machines[unit.machine]
    if any(other.machine == machine.id for other in state.units.values()):
        return
    if unit.force == "unit" and machine.status in ("started", "down"):
        del state.machines[machine.id]
        state.left_machines.append(machine.id)
    else:
        machine.status = "stopping"
        machine.since = now
