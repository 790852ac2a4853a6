# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The pools that the cluster needs, and what is missing of them.

Only the coordinator changes them. A pool is made on all members at once, so it first requests a
contribution of each, and makes the pool when all have answered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import backends
from plan import cluster_change
from plan.storage import ceph_access, contributions, devices, shared_disks
from state.cluster import ClusterView, Pool
from state.peers import Contribution, ContributionRequest, Storage, UnitData
from state.view import Peers, View
from steps.plan import Step
from steps.storage import CreatePool, PinRootDisks, UpdatePool
from values.status import Status, blocked, names, waiting
from values.wanted_pool import WantedPool

PROFILE = "/1.0/profiles/default"
_INSTANCES = "/1.0/instances/"
_AGAIN = " again"
"""The end of the serial of a call for a pool that is half made."""


@dataclass(frozen=True)
class PoolChange:
    """What is due: steps, or a call to publish, or what prevents it."""

    steps: tuple[Step, ...] = ()
    request: ContributionRequest | None = None
    problem: Status | None = None


def default(pool: WantedPool, decided: Storage, existing: tuple[Pool, ...]) -> WantedPool:
    """The wanted default pool: `auto` and the name resolved.

    A pool cannot change its backend. If a pool of another backend has the name, the new pool is
    called NAME-BACKEND. It keeps that name after the old pool is gone.
    """
    backend = decided.backend if pool.backend == backends.AUTO else pool.backend
    other_name = backends.other_name(pool.name, backend)
    made = {p.name: _is_of(p, backend) for p in existing}
    candidates = [pool.name, other_name]
    if made.get(other_name):
        # It was made, and its record may be late.
        candidates.insert(0, other_name)
    if decided.backend == backend and decided.pool in candidates:
        candidates.insert(0, decided.pool)
    name = next((name for name in candidates if made.get(name, True)), other_name)
    return replace(pool, name=name, backend=backend)


def wanted(view: View, decided: Storage, existing: tuple[Pool, ...]) -> tuple[WantedPool, ...]:
    """All wanted pools, the default one first."""
    first = default(view.default_pool, decided, existing)
    return (first, *(p for p in view.more_pools if p.name != first.name))


def contested(view: View, decided: Storage, existing: tuple[Pool, ...]) -> Status | None:
    """Blocked if the default pool would have the name of one in `storage-pools`.

    Each option would change that pool, and one of them would be ignored.
    """
    first = default(view.default_pool, decided, existing)
    if first.name not in {pool.name for pool in view.more_pools}:
        return None
    return blocked(
        f"storage-backend={first.backend}: storage-pools has {first.name}; set storage-pool"
    )


def unmade(pools: tuple[WantedPool, ...], existing: tuple[Pool, ...]) -> list[WantedPool]:
    """The pools among these that do not exist on all members."""
    made_pools = {p.name for p in existing if not p.half_made}
    return [pool for pool in pools if pool.name not in made_pools]


def made(name: str, existing: tuple[Pool, ...]) -> Pool | None:
    """The pool of that name if it exists on all members."""
    return next((p for p in existing if p.name == name and not p.half_made), None)


def change(view: View, lxd: ClusterView, peers: Peers, decided: Storage) -> PoolChange:
    """What the coordinator does about the pools now."""
    existing = lxd.pools or ()
    pools = wanted(view, decided, existing)
    if claimed_twice := contested(view, decided, existing):
        return PoolChange(problem=claimed_twice)
    problem = mismatch(view, decided, existing)
    due = unmade(pools, existing)
    if not due:
        return PoolChange(() if problem else tuple(_drift(pools, existing)), problem=problem)
    if busy := cluster_change.blocker(view, lxd, peers, f"the pool {due[0].name}"):
        return PoolChange(problem=problem or busy)
    making = _making(view, lxd, peers, _next(view, lxd, peers, due))
    return replace(making, problem=problem or making.problem)


def mismatch(view: View, decided: Storage, existing: tuple[Pool, ...]) -> Status | None:
    """Why an existing pool cannot be the wanted one. Then no existing pool is changed."""
    for pool in wanted(view, decided, existing):
        pool_in_lxd = made(pool.name, existing)
        if pool_in_lxd is not None and (problem := _mismatch(view, decided, pool, pool_in_lxd)):
            return problem
    return ceph_access.unwanted_without_ceph(view, existing)


def _mismatch(view: View, decided: Storage, pool: WantedPool, pool_in_lxd: Pool) -> Status | None:
    """Why the existing pool of that name cannot be the wanted one."""
    on_ceph = backends.BACKENDS[pool.backend].on_ceph
    if on_ceph and (problem := ceph_access.without_ceph(view, pool.name)):
        return problem
    if not _is_of(pool_in_lxd, pool.backend):
        return blocked(
            f"pool {pool.name} has the driver {pool_in_lxd.driver} here: choose another name"
        )
    size = pool_in_lxd.config.get(
        contributions.SIZE, decided.size if pool.name == decided.pool else pool.size
    )
    if pool.size != size and backends.BACKENDS[pool.backend].sized:
        return _other_size(view, pool, size)
    return None


def _other_size(view: View, pool: WantedPool, size: str) -> Status:
    if any(pool.name == more.name for more in view.more_pools):
        return blocked(
            f"storage-pools: {pool.name} was made with size {size or 'auto'}; set it back"
        )
    setting = f"storage-size={size}" if size else "--reset storage-size"
    return blocked(f"storage-size={pool.size}: pool {pool.name} keeps its size; set {setting}")


def pinning(wanted_pool: str, existing: tuple[Pool, ...]) -> list[PinRootDisks]:
    """Keeps instances on the old pool before the default profile changes to another one."""
    return [
        PinRootDisks(pool.name)
        for pool in existing
        if pool.name != wanted_pool
        and PROFILE in pool.used_by
        and any(user.startswith(_INSTANCES) for user in pool.used_by)
    ]


def holds_root(pool: Pool, lxd: ClusterView) -> bool:
    """Whether the default profile's root disk is on a pool. Another disk may be on one, too."""
    return PROFILE in pool.used_by if lxd.root is None else pool.name == lxd.root


def current(view: View, decided: Storage, lxd: ClusterView) -> Storage:
    """The default pool on record, once the default profile's root disk is on the wanted one."""
    existing = lxd.pools or ()
    pool = default(view.default_pool, decided, existing)
    pool_in_lxd = made(pool.name, existing)
    if pool_in_lxd is None or not holds_root(pool_in_lxd, lxd):
        return decided
    size = pool_in_lxd.config.get(
        contributions.SIZE, decided.size if pool_in_lxd.name == decided.pool else ""
    )
    return Storage(backend=pool.backend, pool=pool.name, size=size)


def records(existing: tuple[Pool, ...]) -> tuple[Storage, ...]:
    """The pools that a joining unit must make its part of."""
    return tuple(
        Storage(
            backend=p.driver,
            pool=p.name,
            size=p.config.get(contributions.SIZE, ""),
            user=ceph_access.user(p),
            elsewhere=ceph_access.elsewhere(p),
        )
        for p in sorted(existing, key=lambda p: p.name)
    )


def requests(peers: Peers) -> tuple[ContributionRequest, ...]:
    """The current calls. For a moment, two members may both act as the coordinator."""
    return tuple(data.call for data in peers.others.values() if data.call and data.cluster)


def refusals(peers: Peers, own: UnitData) -> list[tuple[str, str]]:
    """Units that cannot give their part of a pool that must be made, with the reason."""
    standing = {request.serial for request in (*requests(peers), *([own.call] if own.call else []))}
    return sorted(
        (unit, contribution.problem)
        for unit, data in peers.others.items()
        if data.cluster
        for serial, contribution in data.offers.items()
        if serial in standing and contribution.problem
    )


def _is_of(pool: Pool, backend: str) -> bool:
    return pool.driver == backends.BACKENDS[backend].driver


def _drift(pools: tuple[WantedPool, ...], existing: tuple[Pool, ...]) -> list[UpdatePool]:
    configs = {p.name: p.config for p in existing}
    updates: list[UpdatePool] = []
    for pool in pools:
        config = configs[pool.name]
        option_keys = config.get(contributions.KEYS, "").split()
        # Unset what an option no longer gives.
        wanted = {**dict.fromkeys(option_keys, ""), **pool.config}
        wanted[contributions.KEYS] = " ".join(sorted(pool.config))
        if changed := {k: v for k, v in wanted.items() if config.get(k, "") != v}:
            updates.append(UpdatePool(pool.name, changed))
    return updates


def _making(view: View, lxd: ClusterView, peers: Peers, pool: WantedPool) -> PoolChange:
    request = _request(view, lxd, peers, pool)
    units = cluster_change.units(view, lxd, peers)
    received = _contributions(view, lxd, peers, request, units)
    missing = [units[member] for member, contribution in received.items() if contribution is None]
    if missing:
        why = f"for {names(missing)} to answer about the pool {pool.name}"
        return PoolChange(request=request, problem=waiting(why))
    by_member = {m: c for m, c in received.items() if c is not None}
    refused = [(units[m], c.problem) for m, c in by_member.items() if c.problem]
    if refused:
        unit, why = refused[0]
        return PoolChange(request=request, problem=blocked(f"{unit}: {why}"))
    if shared := shared_disks.same_disk(by_member):
        first, second = shared
        problem = devices.one_disk(by_member[first].device, units[first], units[second])
        return PoolChange(request=request, problem=problem)
    return PoolChange((_creation(view, lxd, pool, by_member),), request)


def _next(view: View, lxd: ClusterView, peers: Peers, due: list[WantedPool]) -> WantedPool:
    """The first pool that this member can have its part of now, otherwise the first one.

    What one pool lacks, such as an answer of the Ceph, does not hold the others.
    """
    for pool in due:
        request = _request(view, lxd, peers, pool)
        own = contributions.to_pools(view, lxd, [request]).get(request.serial)
        if own is not None and not own.problem:
            return pool
    return due[0]


def _request(view: View, lxd: ClusterView, peers: Peers, pool: WantedPool) -> ContributionRequest:
    """The call for a pool. A half-made one needs another: devices may have changed since."""
    half_made = any(p.name == pool.name for p in lxd.pools or ())
    suffix = _AGAIN if half_made else ""
    standing = peers.own.call
    request = ContributionRequest(
        pool=pool.name,
        backend=pool.backend,
        serial=f"{view.unit} {view.now:.3f}{suffix}",
        options=contributions.options_of(view, pool),
    )
    if standing is None or not standing.serial.endswith(suffix):
        return request
    same = standing.model_copy(update={"serial": request.serial}) == request
    return standing if same else request


def _contributions(
    view: View,
    lxd: ClusterView,
    peers: Peers,
    request: ContributionRequest,
    units: Mapping[str, str],
) -> dict[str, Contribution | None]:
    """The answers by member. This unit's own answer is current."""
    own_offers = contributions.to_pools(view, lxd, [request])
    answers: dict[str, Contribution | None] = {}
    for member in sorted(m.name for m in lxd.members):
        unit = units[member]
        offers = own_offers if unit == view.unit else peers.others[unit].offers
        answers[member] = offers.get(request.serial)
    return answers


def _creation(
    view: View, lxd: ClusterView, pool: WantedPool, by_member: Mapping[str, Contribution]
) -> CreatePool:
    backend = backends.BACKENDS[pool.backend]
    extensions = lxd.server.extensions
    members = {m: backend.part(pool, c.device, extensions) for m, c in by_member.items()}
    shared = contributions.shared_config(view, lxd, pool)
    return CreatePool(pool.name, backend.driver, shared, members)
