# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A hook's writes, and how they get into the model when the hook ends without error."""

from __future__ import annotations

from dataclasses import dataclass, field

from lab.model import relations, secrets, storage
from lab.model.state import Port, State, StorageDirective, Unit


@dataclass(slots=True)
class Writes:
    """Writes, in the order in which they apply within each kind."""

    relations: dict[tuple[int, str], dict[str, str]] = field(
        default_factory=dict[tuple[int, str], dict[str, str]]
    )
    """By relation and bag; an empty value deletes the key."""
    ports: list[Port] | None = None
    """All ports of the unit from now on, if they changed."""
    charm_state: dict[str, str] | None = None
    secrets: list[secrets.Change] = field(default_factory=list[secrets.Change])
    storage: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])
    as_leader: bool = False
    """A write that only the leader may make: the controller checks the lease."""


def apply(state: State, now: float, unit: Unit, writes: Writes) -> None:
    """Make a hook's writes visible, all at once."""
    for (relation_id, bag), changes in writes.relations.items():
        _write_bag(state, unit, relation_id, bag, changes)
    if writes.ports is not None:
        unit.ports = writes.ports
    if writes.charm_state is not None:
        unit.charm_state = writes.charm_state
    for change in writes.secrets:
        secrets.apply(state, now, change)
    for name, count in writes.storage:
        directive = state.applications[unit.app].storage[name]
        storage_directive = StorageDirective(directive.pool, directive.size, count)
        storage.add_storage(state, now, unit.name, name, storage_directive)


def _write_bag(
    state: State, unit: Unit, relation_id: int, bag: str, changes: dict[str, str]
) -> None:
    """Write one bag. The writer never hears of its own write.

    4.0 tells the others what a dying unit writes as long as it is in scope. On 3.6 it has departed
    for them, and they hear nothing: see `relations.remote_members`.
    """
    relation = state.relations.get(relation_id)
    if relation is None:
        return
    version = relation.versions.get(bag, 0)
    if not relations.write(relation, bag, changes):
        return
    unheard = state.model.rules == "3.6" or state.faults.unheard_leavers
    if bag == unit.name and unit.life == "dying" and unheard:
        relation.versions[bag] = version
    elif bag == unit.app:
        unit.relations[relation_id].apps[bag] = relation.versions[bag]
