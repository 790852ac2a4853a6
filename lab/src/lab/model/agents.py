# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A unit's agent and its hook: begin it, commit it, let it fail, run it again."""

from __future__ import annotations

from lab.model import clock, commits, leadership, records, relations, removal, resolver, storage
from lab.model import tasks as task_list
from lab.model.context import HookContext
from lab.model.errors import JujuError
from lab.model.hooks import HookOutcome, HookRun
from lab.model.state import Failure, Running, State, StatusValue, Unit

_FIRST_RETRY_SECONDS = 5.0
_LONGEST_RETRY_SECONDS = 300.0
_UPDATE_STATUS_DEFAULT = "5m"


def start(state: State, now: float, unit_name: str) -> HookContext:
    """Begin the next hook. Raises JujuError when there is none."""
    run = resolver.next_hook(state, now, unit_name)
    if run is None:
        raise JujuError(f'no hook is due on unit "{unit_name}"')
    unit = state.units[unit_name]
    state.counters.hook += 1
    unit.running = Running(run, state.counters.hook, now)
    if run.task_id:
        pass  # It runs beside the hook that failed or waits.
    elif unit.failure is not None:
        unit.failure.resolution = ""
    elif unit.queued is run:
        unit.queued = None
    _begin(state, now, unit, run)
    return HookContext(state, run, state.counters.hook)


def commit(state: State, now: float, context: HookContext) -> HookOutcome:
    """The hook has ended without error."""
    unit = _unit_running(state, context.unit, context.serial)
    if unit is None:
        return "killed"
    if context.reboot_wanted == "now":
        return kill(state, now, context.unit, context.serial)
    if context.writes.as_leader and not leadership.is_leader(state, now, unit):
        return fail(state, now, context, "committing requested changes failed: not the leader")
    run, running = context.run, unit.running
    assert running is not None
    unit.running = None
    if not run.task_id:
        unit.failure = None
    commits.apply(state, now, unit, context.writes)
    if run.task_id:
        status = "failed" if context.action_failure is not None else "completed"
        _finish_task(state, now, context, status, context.action_failure or "")
    records.hook_ended(state, now, running, "committed")
    _advance(state, now, unit, run, context)
    return "committed"


def fail(state: State, now: float, context: HookContext, message: str) -> HookOutcome:
    """The hook has failed: a retry comes after 5 s, then after twice as long, up to 5 min."""
    unit = _unit_running(state, context.unit, context.serial)
    if unit is None:
        return "killed"
    running = unit.running
    assert running is not None
    unit.running = None
    records.hook_ended(state, now, running, "failed", message)
    if context.run.task_id:
        _finish_task(state, now, context, "failed", context.action_failure or message)
        return "failed"
    attempts = unit.failure.attempts + 1 if unit.failure is not None else 1
    delay = min(_FIRST_RETRY_SECONDS * 2 ** (attempts - 1), _LONGEST_RETRY_SECONDS)
    retries = state.model.config.get("automatically-retry-hooks", True)
    unit.failure = Failure(context.run, attempts, now + delay if retries else None)
    unit.agent_since = now
    removal.let_go_with_application(state, now, unit.app)
    return "failed"


def kill(state: State, now: float, unit_name: str, serial: int) -> HookOutcome:
    """The agent died in the hook, which runs again first. A task is not run again."""
    unit = _unit_running(state, unit_name, serial)
    if unit is not None:
        kill_running(state, now, unit_name)
    return "killed"


def kill_running(state: State, now: float, unit_name: str) -> None:
    """Kill the hook or task that the unit runs, if any."""
    unit = state.units[unit_name]
    running = unit.running
    if running is None:
        return
    unit.running = None
    for local in unit.relations.values():
        local.cache = {}
    records.hook_ended(state, now, running, "killed")
    run = running.run
    if run.task_id:
        task_list.finish(state, now, state.tasks[run.task_id], "failed", "action terminated")
    elif unit.failure is not None:
        unit.failure.resolution = "retry"
    else:
        unit.queued = run


def resolve(state: State, now: float, unit_name: str, *, retry: bool) -> None:
    """Run the failed hook again now, or mark it as done. Raises JujuError without a failure."""
    unit = state.units.get(unit_name)
    if unit is None:
        raise JujuError(f'unit "{unit_name}" not found')
    failure = unit.failure
    if failure is None or unit.running is not None:
        raise JujuError(f'unit "{unit_name}" is not in an error state')
    if retry:
        failure.resolution = "retry"
        failure.attempts = 0
        return
    unit.failure = None
    running = Running(failure.run, 0, now)
    records.hook_ended(state, now, running, "skipped")
    _advance(state, now, unit, failure.run, HookContext(state, failure.run, 0))


def _unit_running(state: State, name: str, serial: int) -> Unit | None:
    """The unit, if it still runs exactly that hook."""
    unit = state.units.get(name)
    if unit is None or unit.running is None or unit.running.serial != serial:
        return None
    return unit


def _finish_task(state: State, now: float, context: HookContext, status: str, message: str) -> None:
    task = state.tasks[context.run.task_id]
    task.results = {**task_list.nested(context.action_results), **context.process}
    task_list.finish(state, now, task, "failed" if status == "failed" else "completed", message)


def _begin(state: State, now: float, unit: Unit, run: HookRun) -> None:
    """Apply the effects of a hook's start, even if it fails later."""
    if run.task_id:
        task = state.tasks[run.task_id]
        task.status = "running"
        task.started = now
        unit.pending_tasks.remove(run.task_id)
    elif run.relation_id is not None:
        _begin_relation(state, unit, run, run.relation_id)
    elif run.kind in ("install", "upgrade-charm"):
        unit.charm = run.charm
        unit.charm_version = run.charm_version
        if run.kind == "install" and not unit.status_set:
            unit.workload = StatusValue("maintenance", "installing charm software", now)
    elif run.kind == "leader-elected":
        # After a failure the hook may run again when another unit is the leader.
        unit.leader_accepted = leadership.holds(state, unit)
    elif run.kind in ("stop", "remove") and state.model.rules == "4.0":
        leadership.release(state, now, unit)
    if run.kind == "stop":
        unit.workload = StatusValue("maintenance", "cleaning up prior to charm deletion", now)


def _begin_relation(state: State, unit: Unit, run: HookRun, relation_id: int) -> None:
    """A hook about a unit makes the agent read its data again."""
    if run.kind == "relation-created":
        relations.enter_scopes(state, unit)
    local = unit.relations.get(relation_id)
    if local is not None:
        local.cache.pop(run.remote_unit, None)


def _advance(state: State, now: float, unit: Unit, run: HookRun, context: HookContext) -> None:
    """Mark a hook as told: the agent continues with the next."""
    unit.agent_since = now
    if run.relation_id is not None:
        _advance_relation(state, unit, run, run.relation_id)
    elif run.storage_id:
        _advance_storage(state, unit, run)
    elif run.kind == "secret-changed":
        unit.secrets_told[run.secret_uri] = run.secret_revision
    elif run.kind == "secret-remove":
        secret = state.secrets.get(run.secret_uri)
        if secret is not None:
            secret.obsolete_told.append(run.secret_revision)
    elif not run.task_id:
        _advance_life(state, now, unit, run, context)
    if unit.name in state.units:
        removal.leave_if_idle(state, now, unit)


def _advance_life(state: State, now: float, unit: Unit, run: HookRun, context: HookContext) -> None:
    match run.kind:
        case "install":
            unit.installed = True
        case "upgrade-charm":
            unit.queued = resolver.plain(unit, "config-changed")
        case "config-changed":
            unit.config_seen = context.config
            unit.trust_seen = context.trust
            unit.addresses_seen = context.address_version
            relations.update_addresses(state, unit)
            if not unit.started:
                unit.queued = resolver.plain(unit, "start")
        case "start":
            _started(state, now, unit)
        case "update-status":
            unit.update_status_at = now + _update_status_interval(state)
        case "stop":
            unit.stopped = True
            unit.workload = StatusValue("terminated", "", now)
        case "remove":
            removal.leave_in_order(state, now, unit.name)
        case _:
            pass


def _started(state: State, now: float, unit: Unit) -> None:
    if not unit.status_set:
        unit.workload = StatusValue("unknown", "", now)
    if not unit.started:
        unit.update_status_at = now + _update_status_interval(state)
    unit.started = True
    unit.reboot_noted = False


def _advance_relation(state: State, unit: Unit, run: HookRun, relation_id: int) -> None:
    local = unit.relations.get(relation_id)
    relation = state.relations.get(relation_id)
    if local is None or relation is None:
        return
    match run.kind:
        case "relation-created":
            local.created = True
        case "relation-joined":
            local.members[run.remote_unit] = run.change_version
            local.changed_pending = run.remote_unit
        case "relation-changed" if run.remote_unit:
            local.changed_pending = ""
            local.members[run.remote_unit] = run.change_version
        case "relation-changed":
            local.apps[run.remote_app] = run.change_version
        case "relation-departed":
            _departed(state, unit, relation_id, run.remote_unit)
        case "relation-broken":
            local.broken = True
            relations.leave_scope(state, relation, unit.name)
            removal.drop_finished_applications(state)
        case _:
            pass


def _departed(state: State, unit: Unit, relation_id: int, remote_unit: str) -> None:
    """The unit has heard that another one departed. A leaver may go with the last of its peers."""
    local, relation = unit.relations[relation_id], state.relations[relation_id]
    local.members.pop(remote_unit, None)
    local.changed_pending = ""
    early = relations.departs_early(state)
    if unit.life == "dying" and not local.members and early and relations.is_peer(relation):
        relations.leave_scope(state, relation, unit.name)


def _advance_storage(state: State, unit: Unit, run: HookRun) -> None:
    if run.kind == "storage-attached":
        unit.storage_attached.append(run.storage_id)
    else:
        storage.released(state, unit, run.storage_id)


def _update_status_interval(state: State) -> float:
    text = state.model.config.get("update-status-hook-interval", _UPDATE_STATUS_DEFAULT)
    return clock.span(str(text))
