# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Work of Juju's leader only: name the unit that bootstraps, keep the queue, sum up the status."""

from __future__ import annotations

from collections.abc import Iterator

from plan import cluster_change, duties
from plan.install import versions
from plan.leaving import blockers, dead_members, last_unit, orphaned_members
from plan.networks import parents
from plan.recovery import heartbeats, unresponsive
from plan.storage import pools
from records import loss_record, not_running
from state.cluster import ClusterView
from state.peers import AppData, QueueEntry, UnitData
from state.unresponsive import Unresponsive
from state.view import Peers, View
from values import unit_names
from values.status import Status, active, blocked, count, names, waiting


def application_data(view: View, peers: Peers, own: UnitData) -> AppData:
    """The wanted content of the application's databag. Unchanged if nothing has changed."""
    units = {view.unit: own, **peers.others}
    app = peers.app
    bootstrap = app.bootstrap if _is_formed(app, units) else _bootstrap_unit(view, app, units)
    # Only committed data are recorded: a leader that bootstraps records its own in a later hook.
    # Otherwise the units that wait for its token would first run a hook for this record.
    published = peers.data(bootstrap, view.unit)
    made = published if published is not None and published.cluster else UnitData()
    data = AppData(
        bootstrap=bootstrap,
        cluster=app.cluster or made.cluster,
        # If the bootstrap unit is gone, the leader's own record counts.
        storage=app.storage or made.storage or peers.own.storage,
        queue=_queue(view, app, units, bootstrap),
        removed=app.removed,
        delegated=_is_delegated(view, app, own),
    )
    if isinstance(view.lxd, ClusterView) and view.lxd.server.clustered:
        return _as_lxd_has_it(data, view, view.lxd, peers, own)
    return data


def _is_formed(app: AppData, units: dict[str, UnitData]) -> bool:
    """Whether there is a cluster, on record or by the data of a member."""
    return bool(app.cluster) or any(data.cluster for data in units.values())


def _is_delegated(view: View, app: AppData, own: UnitData) -> bool:
    """Whether the coordinator must handle orphaned members in place of the leader.

    A leader that has not joined yet delegates that only once a unit is gone. A leader whose LXD has
    not answered for minutes always does: it may already have removed the unit from the queue.
    """
    answers = isinstance(view.lxd, ClusterView) or not unresponsive.is_unresponsive_for_long(view)
    if not app.cluster or (own.cluster and answers):
        return False
    staying = view.units.staying if view.units is not None else None
    gone = staying is not None and any(entry.unit not in staying for entry in app.queue)
    return app.delegated or bool(own.cluster) or gone


def _as_lxd_has_it(
    data: AppData, view: View, lxd: ClusterView, peers: Peers, own: UnitData
) -> AppData:
    """The application's data, with LXD's own record of the removed members and the default pool."""
    storage = data.storage
    if storage is not None and lxd.pools is not None:
        storage = pools.current(view, storage, lxd)
    removed = orphaned_members.removed_units(view, lxd, peers, own)
    return data.model_copy(update={"storage": storage, "removed": removed})


def _bootstrap_unit(view: View, app: AppData, units: dict[str, UnitData]) -> str:
    """The only unit that may bootstrap the cluster.

    The leader names another unit only when the named one is gone, because the named one may already
    be bootstrapping.
    """
    # A leaving unit may bootstrap in its current hook, too.
    if app.bootstrap and (view.units is None or app.bootstrap in view.units.in_juju):
        return app.bootstrap
    able = _able(view, units)
    if not able:
        return ""
    # A leader sees its own write only in a later hook. A new unit has more hooks to run anyway.
    # Later, the write triggers hooks on the other units only.
    others = [u for u in able if u != view.unit]
    preferred = [view.unit, *others] if not app.bootstrap else [*others, view.unit]
    return next(u for u in preferred if u in able)


def _able(view: View, units: dict[str, UnitData]) -> list[str]:
    """The units that can bootstrap and stay, in the order of their numbers."""
    staying = set(units) if view.units is None else view.units.staying
    return [u for u in sorted(units, key=unit_names.order) if units[u].able and u in staying]


def data_to_form_again(peers: Peers) -> AppData:
    """The application's data with which the units form a cluster again, after theirs is gone."""
    return AppData(queue=peers.app.queue)


def _queue(
    view: View, app: AppData, units: dict[str, UnitData], bootstrap: str
) -> tuple[QueueEntry, ...]:
    """The queue: it changes only when a unit is added, is removed, or does not use its token.

    A unit that has not used its token goes to the end.
    """
    unchanged: list[QueueEntry] = []
    late: list[QueueEntry] = []
    for entry in app.queue:
        if view.units is not None and entry.unit not in view.units.staying:
            continue
        attempt = _attempt_due(entry, units)
        if attempt == entry.attempt:
            unchanged.append(entry)
        else:
            late.append(QueueEntry(unit=entry.unit, attempt=attempt))
    queued = {p.unit for p in app.queue}
    # Units whose data are not here yet are queued, too: that is one write for all of them.
    all_units = view.units.staying if view.units is not None else set(units)
    new = sorted(all_units - queued, key=lambda u: (u != bootstrap, unit_names.order(u)))
    entries = (QueueEntry(unit=u, attempt=units[u].attempt if u in units else 0) for u in new)
    return (*unchanged, *entries, *late)


def _attempt_due(entry: QueueEntry, units: dict[str, UnitData]) -> int:
    """The attempt of `entry`: a higher number if the unit has not used its token."""
    data = units.get(entry.unit)
    if data is None or data.cluster:
        return entry.attempt
    if data.attempt > entry.attempt:
        return data.attempt
    if any(issuer.missed.get(entry.unit) == entry.attempt for issuer in units.values()):
        return entry.attempt + 1
    return entry.attempt


def application_status(view: View, peers: Peers, own: UnitData, app: AppData) -> Status:
    """The application in one line: the number of members and voters, or what is missing."""
    every = {entry.unit for entry in app.queue}
    joined = _joined(view, peers, own, every)
    if not joined:
        return _without_members(view, peers, app)
    if isinstance(view.lxd, ClusterView) and (
        problem := operator_problem(view, view.lxd, peers, own)
    ):
        return problem
    if unread := unreadable(peers):
        return unread
    missing = every - joined
    if missing:
        progress = f"{len(joined)} of {count(len(every), 'unit')} joined"
        issuer = _other_issuer(view, peers)
        if issuer:
            return waiting(f"{issuer} makes the tokens: {progress}, missing {names(missing)}")
        return waiting(f"{progress}, missing {names(missing)}")
    if not isinstance(view.lxd, ClusterView) or not view.lxd.server.clustered:
        return waiting("LXD on the leader does not answer")
    return _health(view, view.lxd, peers, own)


def _joined(view: View, peers: Peers, own: UnitData, queued: set[str]) -> set[str]:
    """The units that say that they are members. Others without a place may be gone."""
    units = {view.unit: own, **peers.others}
    return {u for u, d in units.items() if d.cluster and u in queued | {view.unit}}


def _other_issuer(view: View, peers: Peers) -> str:
    """The token issuer if it is another unit: its agent may be down while its LXD runs."""
    if not isinstance(view.lxd, ClusterView) or not view.lxd.server.clustered:
        return ""
    issuer = duties.token_issuer(view.unit, peers, view.lxd)
    return issuer if issuer != view.unit else ""


def _without_members(view: View, peers: Peers, app: AppData) -> Status:
    """The application in one line while no unit says that it is a member."""
    if app.cluster:
        return _without_any_member_left(view, peers)
    if unread := unreadable(peers):
        return unread
    return waiting(f"for {app.bootstrap or 'a unit with LXD'} to bootstrap the cluster")


def _without_any_member_left(view: View, peers: Peers) -> Status:
    """The application in one line if it had a cluster and no unit says that it is a member."""
    if leaving := _leaving(view, peers):
        # It may be the last member, and hold something.
        return leaving
    if isinstance(view.lxd, Unresponsive):
        # This unit may be a member that has not published that yet.
        return waiting("LXD on the leader does not answer")
    if unsure := peers.unsure:
        cure = "bring its LXD back; docs: How to recover"
        return blocked(f"{unsure[0]} may be the last member: {cure}")
    if unread := unreadable(peers):
        # It may be a member.
        return unread
    return blocked("no unit is a member any more; to begin again: run form-again")


def _leaving(view: View, peers: Peers, lxd: ClusterView | None = None) -> Status | None:
    """Waiting while units leave.

    If a leaving unit has no member, or an empty one, only that unit knows what holds it.
    """
    leaving = view.units.leaving if view.units is not None else frozenset[str]()
    members = {u for u, d in peers.others.items() if d.cluster} - peers.removed
    empty = _empty(leaving & members, peers, lxd) if lxd is not None else frozenset[str]()
    if only_they_know := sorted(leaving - (members - empty) - {view.unit}):
        unit = only_they_know[0]
        return waiting(f"for {unit} to leave; if in error: juju show-status-log {unit}")
    return waiting(f"for {names(leaving)} to leave") if leaving else None


def _empty(units: frozenset[str], peers: Peers, lxd: ClusterView) -> frozenset[str]:
    """Those of the units whose members have no instance: they leave in their next hook."""
    if lxd.instances is None:
        return frozenset()
    occupied = {instance.location for instance in lxd.instances}
    found = {unit: lxd.member_of(peers.others[unit]) for unit in units}
    return frozenset(u for u, m in found.items() if m is not None and m.name not in occupied)


def unreadable(peers: Peers) -> Status | None:
    """Blocked for a unit whose databag has a part that is not valid."""
    for unit, data in sorted(peers.others.items()):
        if data.invalid_key:
            return blocked(f"{unit}: its {data.invalid_key} cannot be read; refresh or remove it")
    return None


def operator_problem(view: View, lxd: ClusterView, peers: Peers, own: UnitData) -> Status | None:
    """A problem that only the operator can solve, and that no unit's status shows."""
    lxd = blockers.with_leavers(view, lxd, peers, own)
    if problem := loss_record.status(lxd.notes) or dead_members.status(view, lxd, peers, own):
        return problem
    leaving = sorted(view.units.leaving if view.units else ())
    if leaving and (quiet := heartbeats.status(view, lxd, peers)):
        # LXD calls every member offline: otherwise the status would blame the leaving units.
        return quiet
    held = (_held(unit, view, lxd, peers) for unit in leaving)
    return next(filter(None, held), None) or not_running.status(lxd.notes)


def _held(unit: str, view: View, lxd: ClusterView, peers: Peers) -> Status | None:
    """What holds the member of a leaving unit, as far as this unit sees it."""
    data = peers.others.get(unit)
    member = lxd.member_of(data) if data else None
    if member is None:
        return None
    if not member.up:
        return blockers.cannot_leave(unit, (blockers.unanswered(member),))
    on_remove, voters = view.options.on_remove, last_unit.wanted_voters(view)
    reasons = blockers.removal_blockers(on_remove, voters, lxd, member)
    reasons = reasons or blockers.unmoved(on_remove, lxd, member)
    return blockers.cannot_leave(unit, reasons) if reasons else None


def _health(view: View, lxd: ClusterView, peers: Peers, own: UnitData) -> Status:
    """The application in one line while all its units are members."""
    return next(filter(None, _faults(view, lxd, peers, own)), None) or _size(lxd)


def _faults(view: View, lxd: ClusterView, peers: Peers, own: UnitData) -> Iterator[Status | None]:
    """Why the cluster is not complete, or not as the options ask; the most important first."""
    yield _leaving(view, peers, lxd)
    yield _mismatch(view, lxd, peers)
    refused = [*pools.refusals(peers, own), *_problems(lxd, peers)]
    yield next((blocked(f"{unit}: {why}") for unit, why in refused), None)
    yield _removed_from_cluster(view, peers)
    yield _without_unit(view, lxd, peers, own)
    yield _offline_without_unit(view, lxd, peers, own)
    yield _down(view, lxd, peers)
    yield _evacuated(lxd)
    yield next((waiting(f"{unit}: {why}") for unit, why in _waits(lxd, peers)), None)
    yield _awaited_pool(peers, own)
    yield parents.awaited(view, lxd, peers, own.links)
    yield _pool_to_make(view, lxd, peers)


def _removed_from_cluster(view: View, peers: Peers) -> Status | None:
    """Blocked for a unit that stays although the cluster has removed its member."""
    in_juju = view.units.in_juju if view.units is not None else frozenset[str]()
    removed = sorted(peers.removed & in_juju)
    return blocked(f"{removed[0]}: the cluster removed its member: remove it") if removed else None


def _mismatch(view: View, lxd: ClusterView, peers: Peers) -> Status | None:
    """Why a pool of the cluster cannot be the wanted one."""
    storage = peers.app.storage
    return pools.mismatch(view, storage, lxd.pools) if storage and lxd.pools is not None else None


def _without_unit(view: View, lxd: ClusterView, peers: Peers, own: UnitData) -> Status | None:
    """Blocked for a member that is up and has no unit."""
    members = orphaned_members.without_unit(view, lxd, peers, own)
    return next((cluster_change.without_unit(m.name, lxd) for m in members if m.up), None)


def _offline_without_unit(
    view: View, lxd: ClusterView, peers: Peers, own: UnitData
) -> Status | None:
    """Blocked for an operator's member that is offline: the charm neither starts nor removes it.

    Without the Raft leader's heartbeats it is unknown which members are offline.
    """
    if heartbeats.leader_without_heartbeats(lxd):
        return None
    members = orphaned_members.without_unit(view, lxd, peers, own)
    made_by_hand = {m.name for m in members} - orphaned_members.orphaned(view, lxd, peers, own)
    absent = next((m.name for m in lxd.members if m.name in made_by_hand and not m.up), "")
    if not absent:
        return None
    return blocked(f"{absent} is offline and has no unit: start it, or remove it by hand")


def _down(view: View, lxd: ClusterView, peers: Peers) -> Status | None:
    """Waiting while members are offline, with the reason if one is known."""
    down = [m.name for m in lxd.members if not (m.up or m.blocked)]
    if not down:
        return versions.several_versions(lxd)
    total = count(len(lxd.members), "member")
    quiet = heartbeats.status(view, lxd, peers)
    return quiet or waiting(f"{len(down)} of {total} offline: {names(down)}")


def _evacuated(lxd: ClusterView) -> Status | None:
    evacuated = [m.name for m in lxd.members if m.evacuated]
    if not evacuated:
        return None
    return waiting(f"{names(evacuated)} evacuated; to use it again: lxc cluster restore")


def _awaited_pool(peers: Peers, own: UnitData) -> Status | None:
    """Waiting while units answer about their parts of a pool."""
    making = pools.requests(peers) or ((own.call,) if own.call else ())
    return waiting(f"for the pool {making[0].pool}") if making else None


def _pool_to_make(view: View, lxd: ClusterView, peers: Peers) -> Status | None:
    """Waiting for another unit, the coordinator, to make a pool: its agent may be down."""
    unit = duties.coordinator(view.unit, peers, lxd)
    if unit in ("", view.unit) or lxd.pools is None:
        return None
    unmade = sorted({pool.name for pool in view.more_pools} - {pool.name for pool in lxd.pools})
    return waiting(f"for {unit} to make the pool {unmade[0]}") if unmade else None


def _size(lxd: ClusterView) -> Status:
    """The number of members and voters of a healthy cluster."""
    total = len(lxd.members)
    summary = f"{count(total, 'member')}, {count(sum(m.voter for m in lxd.members), 'voter')}"
    if total < 3:
        # One of two members has the database alone: LXD replicates it on three or more.
        return active(f"{summary}; add units: three survive a loss")
    return active(summary)


def _problems(lxd: ClusterView, peers: Peers) -> list[tuple[str, str]]:
    """Units whose members are up and cannot do their work, with the reason."""
    units = ((unit, data, lxd.member_of(data)) for unit, data in sorted(peers.others.items()))
    return [(u, d.problem) for u, d, member in units if d.problem and member and member.up]


def _waits(lxd: ClusterView, peers: Peers) -> list[tuple[str, str]]:
    """Units whose members cannot do something for the moment, with the reason."""
    units = ((unit, data, lxd.member_of(data)) for unit, data in sorted(peers.others.items()))
    return [(u, d.waits) for u, d, member in units if d.waits and member and member.up]
