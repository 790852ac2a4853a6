# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Which hook is due on a unit: the order of Juju's uniter.

Its sources are juju's internal/worker/uniter/resolver.go, and relation/, leadership/, storage/,
actions/ and operation/runhook.go beside it. Nothing here changes the state.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from lab.model import leadership, relations
from lab.model.hooks import HookKind, HookRun
from lab.model.state import Failure, Relation, Secret, State, Unit, UnitRelation


def next_hook(state: State, now: float, unit_name: str) -> HookRun | None:
    """The hook that is due on a unit at this moment, or None."""
    unit = state.units.get(unit_name)
    if unit is None or unit.agent != "up" or _machine_is_busy(state, unit):
        return None
    if unit.force == "unit":
        return None
    if unit.failure is not None:
        # Juju's agent runs tasks before it looks at the failed hook.
        return next(_tasks(state, unit), None) or _retried(unit.failure, now)
    if unit.queued is not None:
        return unit.queued
    if not unit.installed:
        return _before_install(state, unit)
    if unit.stopped:
        return plain(unit, "remove")
    return next(_due(state, now, unit), None)


def next_due(state: State, now: float) -> float | None:
    """When, after `now`, the clock alone makes a hook or a change of leader due."""
    moments = [at for unit in state.units.values() for at in _moments(unit) if at > now]
    expiry = leadership.next_expiry(state, now)
    if expiry is not None:
        moments.append(expiry)
    return min(moments, default=None)


def _moments(unit: Unit) -> Iterator[float]:
    """When the clock alone makes something due on a unit, moments in the past included."""
    if unit.out_at is not None:
        yield unit.out_at
    if unit.agent != "up":
        return
    if unit.failure is not None:
        if unit.failure.retry_at is not None:
            yield unit.failure.retry_at
    elif unit.started and unit.life == "alive":
        yield unit.update_status_at


def _retried(failure: Failure, now: float) -> HookRun | None:
    """The failed hook, if the operator or the timer has it run again."""
    timer_rang = failure.retry_at is not None and now >= failure.retry_at
    return failure.run if failure.resolution == "retry" or timer_rang else None


def plain(unit: Unit, kind: HookKind, **facts: Any) -> HookRun:
    """A hook with the name of its kind."""
    return HookRun(unit=unit.name, kind=kind, name=kind, charm=unit.charm, **facts)


def _machine_is_busy(state: State, unit: Unit) -> bool:
    """Juju's machine lock: one hook at a time on a machine, of any unit."""
    for other in state.units.values():
        if other.running is not None and other.machine == unit.machine:
            return True
    return False


def _before_install(state: State, unit: Unit) -> HookRun | None:
    """Every storage-attached comes first, and Juju waits for storage that does not exist yet."""
    if unit.life == "dying":
        return next(_storage(state, unit), None)
    attached = next(_storage(state, unit), None)
    if attached is not None:
        return attached
    if any(i.unit == unit.name and not i.location for i in state.storage.values()):
        return None
    app = state.applications[unit.app]
    return HookRun(unit.name, "install", "install", app.charm, app.charm_version)


def _due(state: State, now: float, unit: Unit) -> Iterator[HookRun]:
    """What is due on an installed unit, in order."""
    if unit.life == "alive":
        yield from _alive_first(state, unit)
    # Most models have no secrets and no storage, and are asked after each event.
    if state.secrets:
        yield from _secrets(state, now, unit)
    if unit.pending_tasks:
        yield from _tasks(state, unit)
    if state.storage:
        yield from _storage(state, unit)
    if unit.life == "dying":
        yield from _relations(state, unit)
        yield plain(unit, "stop" if unit.started else "remove")
        return
    app = state.applications[unit.app]
    if unit.charm_version != app.charm_version:
        yield HookRun(unit.name, "upgrade-charm", "upgrade-charm", app.charm, app.charm_version)
    if _config_is_stale(state, unit):
        yield plain(unit, "config-changed")
    yield from _relations(state, unit)
    if unit.started and now >= unit.update_status_at:
        yield plain(unit, "update-status")


def _config_is_stale(state: State, unit: Unit) -> bool:
    app = state.applications[unit.app]
    seen = unit.config_seen
    return (
        # To compare a dictionary with itself would compare all its values.
        (seen is not app.config and seen != app.config)
        or unit.trust_seen != app.trust
        or unit.addresses_seen != state.machines[unit.machine].address_version
    )


def _alive_first(state: State, unit: Unit) -> Iterator[HookRun]:
    app = state.applications[unit.app]
    if unit.reboot_noted:
        yield plain(unit, "start")
    for relation_id, local in unit.relations.items():
        relation = state.relations[relation_id]
        if not local.created and relations.can_join(state, relation, unit):
            yield _relation_hook(unit, relation, "relation-created")
    if not unit.leader_accepted and app.lease is not None and app.lease.holder == unit.name:
        yield plain(unit, "leader-elected")


def _secrets(state: State, now: float, unit: Unit) -> Iterator[HookRun]:
    for secret in state.secrets.values():
        owns = secret.owner == unit.name or (
            secret.owner == unit.app and leadership.is_leader(state, now, unit)
        )
        yield from _told_to_owner(unit, secret) if owns else _told_to_reader(unit, secret)


def _told_to_owner(unit: Unit, secret: Secret) -> Iterator[HookRun]:
    """Revisions that nobody uses any more."""
    tracked = {consumer.revision for consumer in secret.consumers.values()}
    for revision in secret.revisions:
        unused = revision < secret.latest and revision not in tracked
        if unused and revision not in secret.obsolete_told:
            yield _secret_hook(unit, "secret-remove", secret.uri, revision)


def _told_to_reader(unit: Unit, secret: Secret) -> Iterator[HookRun]:
    """A revision that is newer than the one that the unit tracks."""
    consumer = secret.consumers.get(unit.name)
    last_told = unit.secrets_told.get(secret.uri, 0)
    if consumer is not None and max(consumer.revision, last_told) < secret.latest:
        yield _secret_hook(unit, "secret-changed", secret.uri, secret.latest)


def _secret_hook(unit: Unit, kind: HookKind, uri: str, revision: int) -> HookRun:
    return plain(unit, kind, secret_uri=uri, secret_revision=revision)


def _tasks(state: State, unit: Unit) -> Iterator[HookRun]:
    """Actions, then commands, each in the order of the requests."""
    waiting = [state.tasks[task_id] for task_id in unit.pending_tasks]
    for kind in ("action", "exec"):
        for task in waiting:
            if task.kind == kind:
                name = task.name if kind == "action" else ""
                yield HookRun(unit.name, task.kind, name, unit.charm, task_id=task.id)


def _storage(state: State, unit: Unit) -> Iterator[HookRun]:
    for instance in state.storage.values():
        if instance.unit != unit.name:
            continue
        attached = instance.id in unit.storage_attached
        kind: HookKind | None = None
        if attached and instance.life == "dying":
            kind = "storage-detaching"
        elif not attached and instance.life == "alive" and instance.location:
            kind = "storage-attached"
        if kind is not None:
            yield HookRun(
                unit.name,
                kind,
                f"{instance.name}-{kind}",
                unit.charm or state.applications[unit.app].charm,
                storage_id=instance.id,
            )


def _relations(state: State, unit: Unit) -> Iterator[HookRun]:
    for relation_id, local in unit.relations.items():
        if local.entered and not local.broken:
            hook = _next_in_relation(state, unit, state.relations[relation_id], local)
            if hook is not None:
                yield hook


def _next_in_relation(
    state: State, unit: Unit, relation: Relation, local: UnitRelation
) -> HookRun | None:
    """Juju's nextHookForRelation: departed, broken, application, joined, changed."""
    if local.changed_pending:
        return _changed(unit, relation, local.changed_pending)
    leaving = unit.life == "dying" or relation.life == "dying"
    present = [] if leaving else relations.remote_members(state, relation, unit)
    gone = sorted([name for name in local.members if name not in present])
    for name in gone:
        if leaving or name not in relation.untold:
            return _departed(state, unit, relation, name)
    if leaving:
        peer = relations.is_peer(relation)
        return None if peer else _relation_hook(unit, relation, "relation-broken")
    return _news(unit, relation, local, present)


def _news(
    unit: Unit, relation: Relation, local: UnitRelation, present: list[str]
) -> HookRun | None:
    """What a continuing relation has to report: the application's data, new units, data."""
    versions = relation.versions
    app = relations.remote_app(relation, unit.app)
    if local.apps.get(app, 0) != versions.get(app, 0):
        return _relation_hook(unit, relation, "relation-changed", "", versions.get(app, 0))
    for name in present:
        if name not in local.members:
            return _relation_hook(unit, relation, "relation-joined", name, versions[name])
    for name in present:
        if local.members[name] != versions[name]:
            return _changed(unit, relation, name)
    return None


def _changed(unit: Unit, relation: Relation, name: str) -> HookRun:
    version = relation.versions.get(name, 0)
    return _relation_hook(unit, relation, "relation-changed", name, version)


def _departed(state: State, unit: Unit, relation: Relation, name: str) -> HookRun:
    """The departing unit: the unit itself if it or its application goes, else the other one."""
    going = unit.life == "dying" or state.applications[unit.app].life == "dying"
    hook = _relation_hook(unit, relation, "relation-departed", name)
    return replace(hook, departing_unit=unit.name if going else name)


def _relation_hook(
    unit: Unit, relation: Relation, kind: HookKind, remote_unit: str = "", version: int = 0
) -> HookRun:
    endpoint = relations.own_endpoint(relation, unit.app).name
    return HookRun(
        unit=unit.name,
        kind=kind,
        name=f"{endpoint}-{kind}",
        charm=unit.charm,
        relation_id=relation.id,
        endpoint=endpoint,
        remote_app=relations.remote_app(relation, unit.app),
        remote_unit=remote_unit,
        change_version=version,
    )
