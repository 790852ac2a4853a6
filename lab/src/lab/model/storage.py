# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Storage instances: asked for with a unit, provisioned by the world, attached and detached."""

from __future__ import annotations

from lab.model.errors import JujuError
from lab.model.state import State, StorageDirective, StorageInstance, Unit

LOOP = "loop"
_MACHINE_BOUND = frozenset({"rootfs", "tmpfs", LOOP, "maas"})
"""Pools whose instances are gone after they are detached."""


def is_persistent(instance: StorageInstance) -> bool:
    """Whether an instance stays when it is detached."""
    return instance.pool not in _MACHINE_BOUND


def default_pool(kind: str) -> str:
    """The pool of a directive without a pool."""
    return LOOP if kind == "block" else "rootfs"


def create_for_unit(state: State, now: float, unit: Unit) -> None:
    """Make the instances of a new unit."""
    app = state.applications[unit.app]
    for name in state.charms[app.charm].storage:
        _create(state, now, unit, name, app.storage[name])


def add_storage(
    state: State, now: float, unit_name: str, name: str, directive: StorageDirective
) -> list[str]:
    """Give a unit more instances. Raises JujuError above the charm's limit."""
    unit = state.units.get(unit_name)
    if unit is None:
        raise JujuError(f'unit "{unit_name}" not found')
    spec = state.charms[state.applications[unit.app].charm].storage.get(name)
    if spec is None:
        raise JujuError(f'charm storage "{name}" not found')
    have = sum(1 for i in state.storage.values() if i.unit == unit_name and i.name == name)
    if spec.maximum is not None and have + directive.count > spec.maximum:
        raise JujuError(
            f'cannot add storage: charm "{unit.app}" store "{name}": '
            f"at most {spec.maximum} instances supported, {have + directive.count} specified"
        )
    return _create(state, now, unit, name, directive)


def attach(state: State, unit_name: str, storage_id: str) -> None:
    """Attach a detached instance to a unit."""
    instance = _instance(state, storage_id)
    if unit_name not in state.units:
        raise JujuError(f'unit "{unit_name}" not found')
    if instance.unit:
        raise JujuError(f'storage {storage_id} is already attached to unit "{instance.unit}"')
    instance.unit = unit_name
    instance.location = ""


def detach(state: State, storage_id: str) -> None:
    """Begin to detach an instance from its unit."""
    instance = _instance(state, storage_id)
    if not instance.unit:
        raise JujuError(f"storage {storage_id} is not attached")
    instance.life = "dying"


def to_provision(state: State) -> list[StorageInstance]:
    """Instances of units on started machines that have no location yet.

    Loop devices are excluded: Juju tells a unit of a block device by its link in /dev/disk/by-id,
    and they have none.
    """
    return [
        instance
        for instance in state.storage.values()
        if instance.unit
        and not instance.location
        and not (instance.type == "block" and instance.pool == LOOP)
        and state.machines[state.units[instance.unit].machine].status == "started"
    ]


def provisioned(state: State, storage_id: str, location: str) -> None:
    """An instance is usable: its unit gets storage-attached."""
    _instance(state, storage_id).location = location


def released(state: State, unit: Unit, storage_id: str) -> None:
    """An instance has left its unit: it stays detached, or is gone with the machine's disk."""
    if storage_id in unit.storage_attached:
        unit.storage_attached.remove(storage_id)
    instance = state.storage.get(storage_id)
    if instance is None:
        return
    if unit.destroy_storage or not is_persistent(instance):
        del state.storage[storage_id]
    else:
        instance.unit = ""
        instance.life = "alive"


def _create(
    state: State, now: float, unit: Unit, name: str, directive: StorageDirective
) -> list[str]:
    spec = state.charms[state.applications[unit.app].charm].storage[name]
    ids: list[str] = []
    for _ in range(directive.count):
        storage_id = f"{name}/{state.counters.storage}"
        state.counters.storage += 1
        state.storage[storage_id] = StorageInstance(
            id=storage_id,
            name=name,
            type=spec.type,
            pool=directive.pool,
            size=directive.size,
            since=now,
            unit=unit.name,
        )
        ids.append(storage_id)
    return ids


def _instance(state: State, storage_id: str) -> StorageInstance:
    instance = state.storage.get(storage_id)
    if instance is None:
        raise JujuError(f'storage "{storage_id}" not found')
    return instance
