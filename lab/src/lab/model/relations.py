# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Relations: their members, their data bags, and how they begin and end."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

from lab.model import addresses
from lab.model.charm import Endpoint
from lab.model.errors import JujuError
from lab.model.state import Application, Relation, RelationEnd, State, Unit, UnitRelation


def is_peer(relation: Relation) -> bool:
    """Whether a relation is between the units of one application."""
    return len(relation.ends) == 1


def own_endpoint(relation: Relation, app: str) -> Endpoint:
    """The application's own endpoint of a relation. Raises LookupError where it is in none."""
    for end in relation.ends:
        if end.app == app:
            return end.endpoint
    raise LookupError(app)


def remote_app(relation: Relation, app: str) -> str:
    """The application on the other side; for peers the unit's own."""
    for end in relation.ends:
        if end.app != app:
            return end.app
    return app


def remote_members(state: State, relation: Relation, unit: Unit) -> list[str]:
    """Units in scope that the unit must hear of, sorted as in Juju: as text."""
    present = relation.members
    if state.model.rules != "4.0":
        present = [name for name in present if not _counts_as_departed(state, name)]
    if is_peer(relation):
        return sorted([name for name in present if name != unit.name])
    prefix = remote_app(relation, unit.app) + "/"
    return sorted(name for name in present if name.startswith(prefix))


def _counts_as_departed(state: State, name: str) -> bool:
    """Whether the others hear on 3.6 that a unit in scope departs, or never hear of it.

    3.6 marks everything that a dying unit has entered as departing at once (its state/cleanup.go
    and state/relationunit.go, PrepareLeaveScope), and its watchers do not report such a unit. 4.0
    reports every unit in scope, dying or not (domain/relation/state/related_unit_watcher.go).
    """
    unit = state.units.get(name)
    if unit is None or unit.life != "dying":
        return False
    lost = bool(unit.force) and state.faults.lost_departures
    return not lost and not state.faults.late_departures


def create_peers(state: State, app: Application) -> None:
    """Make the peer relations of a new application."""
    for endpoint in state.charms[app.charm].endpoints.values():
        if endpoint.role == "peer":
            _create(state, [RelationEnd(app.name, endpoint)])


def add_missing_peers(state: State, app: Application) -> None:
    """Make the peer relations that a new revision of the charm brings."""
    present = {
        relation.ends[0].endpoint.name
        for relation in state.relations.values()
        if is_peer(relation) and relation.ends[0].app == app.name
    }
    for endpoint in state.charms[app.charm].endpoints.values():
        if endpoint.role == "peer" and endpoint.name not in present:
            _create(state, [RelationEnd(app.name, endpoint)])


def integrate(state: State, first: str, second: str) -> int:
    """Relate two applications. Raises JujuError unless exactly one pair of endpoints fits."""
    if first.partition(":")[0] == second.partition(":")[0]:
        raise JujuError("an application cannot be integrated with itself in this model of Juju")
    pairs = [
        (one, other)
        for one, other in product(_ends(state, first), _ends(state, second))
        if one.endpoint.interface == other.endpoint.interface
        and {one.endpoint.role, other.endpoint.role} == {"provider", "requirer"}
    ]
    if not pairs:
        raise JujuError("no relations found")
    if len(pairs) > 1:
        choices = "; ".join(f'"{_text(a)} {_text(b)}"' for a, b in pairs)
        raise JujuError(f'ambiguous relation: "{first} {second}" could refer to {choices}')
    one, other = pairs[0]
    if _find(state, one, other) is not None:
        raise JujuError(
            f'cannot add relation "{_text(one)} {_text(other)}": '
            f"relation {_text(one)} {_text(other)} already exists"
        )
    return _create(state, [one, other]).id


def remove_relation(state: State, first: str, second: str) -> None:
    """Let a relation die. Raises JujuError when it does not exist."""
    for one, other in product(_ends(state, first), _ends(state, second)):
        relation = _find(state, one, other)
        if relation is not None:
            destroy(state, relation)
            return
    raise JujuError(f'relation "{first} {second}" not found')


def destroy(state: State, relation: Relation) -> None:
    """Let a relation die; it is gone once it has no unit."""
    relation.life = "dying"
    _remove_if_empty(state, relation)


def can_join(state: State, relation: Relation, unit: Unit) -> bool:
    """Whether the unit's agent may join: not a dying relation, and not one that its charm lacks.

    The second case is for units that have not had upgrade-charm yet.
    """
    endpoints = state.charms[unit.charm].endpoints
    return relation.life == "alive" and own_endpoint(relation, unit.app).name in endpoints


def enter_scopes(state: State, unit: Unit) -> None:
    """The unit's agent joins every relation it has not joined yet: the others will hear of it."""
    for relation_id, local in unit.relations.items():
        relation = state.relations[relation_id]
        if local.entered or not can_join(state, relation, unit):
            continue
        local.entered = True
        relation.members.append(unit.name)
        relation.data.setdefault(unit.name, {})
        relation.versions.setdefault(unit.name, 0)
    update_addresses(state, unit)


def leave_scope(state: State, relation: Relation, unit_name: str) -> None:
    """The unit is no longer in the relation: the others will hear of it."""
    if unit_name in relation.members:
        relation.members.remove(unit_name)
    _remove_if_empty(state, relation)


def departs_early(state: State) -> bool:
    """Whether a leaver is out of its peer relation before its last hooks have run."""
    if state.model.rules == "4.0":
        return state.faults.early_departures
    return not state.faults.late_departures


def withhold_departure(state: State, relation: Relation, unit_name: str) -> None:
    """The unit is gone: units that do not know of its departure yet are never told.

    Juju 4.0 deletes the unit right after it has left its relations, and with it the data that would
    tell the others.
    """
    knowing = (u.relations.get(relation.id) for u in state.units.values())
    if any(local is not None and unit_name in local.members for local in knowing):
        relation.untold.append(unit_name)
    leave_scope(state, relation, unit_name)


def deliver_lost_departures(state: State) -> None:
    """Take removed units out of scope, and tell the others of the untold departures."""
    for relation in list(state.relations.values()):
        relation.untold.clear()
        for name in [name for name in relation.members if name not in state.units]:
            leave_scope(state, relation, name)


def write(relation: Relation, bag: str, changes: Mapping[str, str]) -> bool:
    """Change a data bag; empty values delete. Returns whether anything changed."""
    before = relation.data.get(bag, {})
    after = {key: value for key, value in {**before, **changes}.items() if value}
    if after == before:
        return False
    relation.data[bag] = after
    relation.versions[bag] = relation.versions.get(bag, 0) + 1
    return True


def update_addresses(state: State, unit: Unit) -> None:
    """Put the unit's addresses into its bags, as Juju does when it joins and when they change."""
    if unit.life == "dying":
        return
    for relation_id, local in unit.relations.items():
        relation = state.relations[relation_id]
        if local.entered and unit.name in relation.members:
            endpoint = own_endpoint(relation, unit.app).name
            write(relation, unit.name, addresses.relation_settings(state, unit, endpoint))


def _create(state: State, ends: list[RelationEnd]) -> Relation:
    relation = Relation(id=state.counters.relation, ends=ends)
    state.counters.relation += 1
    state.relations[relation.id] = relation
    apps = {end.app for end in ends}
    for app in apps:
        relation.versions[app] = 0
        relation.data[app] = {}
    for unit in state.units.values():
        if unit.app in apps:
            unit.relations[relation.id] = UnitRelation()
    return relation


def _remove_if_empty(state: State, relation: Relation) -> None:
    if relation.life == "alive" or relation.members:
        return
    state.relations.pop(relation.id, None)
    for unit in state.units.values():
        unit.relations.pop(relation.id, None)


def _ends(state: State, text: str) -> list[RelationEnd]:
    """The ends that `app` or `app:endpoint` may mean. Peers and juju-info only if named."""
    app_name, _, endpoint_name = text.partition(":")
    app = state.applications.get(app_name)
    if app is None:
        raise JujuError(f'application "{app_name}" not found')
    ends = [
        RelationEnd(app_name, endpoint)
        for endpoint in state.charms[app.charm].endpoints.values()
        if endpoint.role != "peer"
        and (endpoint.name == endpoint_name or (not endpoint_name and endpoint.name != "juju-info"))
    ]
    if endpoint_name and not ends:
        raise JujuError(f'application "{app_name}" has no "{endpoint_name}" relation')
    return ends


def _find(state: State, one: RelationEnd, other: RelationEnd) -> Relation | None:
    ends = {(one.app, one.endpoint.name), (other.app, other.endpoint.name)}
    for relation in state.relations.values():
        if {(end.app, end.endpoint.name) for end in relation.ends} == ends:
            return relation
    return None


def _text(end: RelationEnd) -> str:
    return f"{end.app}:{end.endpoint.name}"
