"""The wanted pools of the cluster, and how they differ from the actual ones.

Only the coordinator acts on it. It makes a pool on all members at once. So it first asks each unit
for its contribution, and makes the pool when all have answered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import backends
from plan import cluster_change
from plan.storage import contributions
from state.cluster import Lxd, Pool
from state.peers import Call, Offer, Storage, UnitData
from state.view import Peers, View
from steps.plan import Step
from steps.storage import CreatePool, KeepRoots, UpdatePool
from values.status import Status, blocked, names, waiting
from values.wanted_pool import WantedPool

PROFILE = "/1.0/profiles/default"
_INSTANCES = "/1.0/instances/"


@dataclass(frozen=True)
class Change:
    """What is due: steps, or a call to publish, or what prevents it."""

    steps: tuple[Step, ...] = ()
    call: Call | None = None
    problem: Status | None = None


def default(asked: WantedPool, decided: Storage, known: tuple[Pool, ...]) -> WantedPool:
    """The wanted default pool: `auto` and the name resolved.

    A pool cannot change its backend. If another backend has the name, the new pool's is
    NAME-BACKEND, and stays so after the old pool is gone.
    """
    backend = decided.backend if asked.backend == backends.AUTO else asked.backend
    long = f"{asked.name}-{backend}"
    made = {p.name: _is_of(p, backend) for p in known}
    candidates = [asked.name, long]
    if made.get(long):
        # It was made, and its record may be late.
        candidates.insert(0, long)
    if decided.backend == backend and decided.pool in candidates:
        candidates.insert(0, decided.pool)
    name = next((name for name in candidates if made.get(name, True)), long)
    return replace(asked, name=name, backend=backend)


def wanted(view: View, decided: Storage, known: tuple[Pool, ...]) -> tuple[WantedPool, ...]:
    """All wanted pools, the default one first."""
    first = default(view.default_pool, decided, known)
    return (first, *(p for p in view.more_pools if p.name != first.name))


def unmade(pools: tuple[WantedPool, ...], known: tuple[Pool, ...]) -> list[WantedPool]:
    """Those of them that do not exist on all members."""
    there = {p.name for p in known if not p.half_made}
    return [pool for pool in pools if pool.name not in there]


def change(view: View, lxd: Lxd, peers: Peers, decided: Storage) -> Change:
    """What the coordinator does about the pools now."""
    known = lxd.pools or ()
    pools = wanted(view, decided, known)
    if problem := misfit(view, decided, known):
        return Change(problem=problem)
    due = unmade(pools, known)
    if not due:
        return Change(tuple(_drift(pools, known)))
    if busy := cluster_change.hindrance(view, lxd, peers, f"the pool {due[0].name}"):
        return Change(problem=busy)
    return _making(view, lxd, peers, due[0])


def misfit(view: View, decided: Storage, known: tuple[Pool, ...]) -> Status | None:
    """Why an existing pool cannot be the wanted one. Then nothing is changed."""
    made = {p.name: p for p in known if not p.half_made}
    for pool in wanted(view, decided, known):
        there = made.get(pool.name)
        if there is None:
            continue
        if backends.BACKENDS[pool.backend].on_ceph and view.ceph is None:
            return blocked(f"the pool {pool.name} is in a Ceph: integrate it with that again")
        if not _is_of(there, pool.backend):
            return blocked(f"pool {pool.name} is of {there.driver} here: choose another name")
        has = there.config.get(
            contributions.SIZE, decided.size if pool.name == decided.pool else pool.size
        )
        if pool.size != has and backends.BACKENDS[pool.backend].sized:
            return _other_size(view, pool, has)
    return None


def _other_size(view: View, pool: WantedPool, has: str) -> Status:
    if any(pool.name == more.name for more in view.more_pools):
        return blocked(
            f"storage-pools: {pool.name} was made with size {has or 'auto'}; set it back"
        )
    told = f"storage-size={has}" if has else "--reset storage-size"
    return blocked(f"storage-size={pool.size}: pool {pool.name} has its size; set {told}")


def moving(wanted_pool: str, known: tuple[Pool, ...]) -> list[KeepRoots]:
    """Before the default profile changes to another pool: instances stay on the old one."""
    return [
        KeepRoots(pool.name)
        for pool in known
        if pool.name != wanted_pool
        and PROFILE in pool.used_by
        and any(user.startswith(_INSTANCES) for user in pool.used_by)
    ]


def current(view: View, decided: Storage, known: tuple[Pool, ...]) -> Storage:
    """The default pool on record, once the default profile uses the wanted one."""
    pool = default(view.default_pool, decided, known)
    made = next((p for p in known if p.name == pool.name), None)
    if made is None or made.half_made or PROFILE not in made.used_by:
        return decided
    size = made.config.get(contributions.SIZE, decided.size if made.name == decided.pool else "")
    return Storage(backend=pool.backend, pool=pool.name, size=size)


def records(known: tuple[Pool, ...]) -> tuple[Storage, ...]:
    """The pools that a joining unit must make its part of."""
    return tuple(
        Storage(backend=p.driver, pool=p.name, size=p.config.get(contributions.SIZE, ""))
        for p in sorted(known, key=lambda p: p.name)
    )


def calls(peers: Peers) -> tuple[Call, ...]:
    """The current calls. Two members may take themselves for the coordinator for a moment."""
    return tuple(data.call for data in peers.others.values() if data.call and data.cluster)


def refusals(peers: Peers, own: UnitData) -> list[tuple[str, str]]:
    """Units that cannot give their part of a pool that must be made, with the reason."""
    standing = {call.serial for call in (*calls(peers), *([own.call] if own.call else []))}
    return sorted(
        (unit, offer.problem)
        for unit, data in peers.others.items()
        if data.cluster
        for serial, offer in data.offers.items()
        if serial in standing and offer.problem
    )


def _is_of(pool: Pool, backend: str) -> bool:
    return pool.driver == backends.BACKENDS[backend].driver


def _drift(pools: tuple[WantedPool, ...], known: tuple[Pool, ...]) -> list[UpdatePool]:
    made = {p.name: p.config for p in known}
    found: list[UpdatePool] = []
    for pool in pools:
        has = made[pool.name]
        given = has.get(contributions.KEYS, "").split()
        # Unset what an option no longer gives.
        wanted = {**dict.fromkeys(given, ""), **pool.config}
        wanted[contributions.KEYS] = " ".join(sorted(pool.config))
        if changed := {k: v for k, v in wanted.items() if has.get(k, "") != v}:
            found.append(UpdatePool(pool.name, changed))
    return found


def _making(view: View, lxd: Lxd, peers: Peers, pool: WantedPool) -> Change:
    call = _call(view, peers, pool)
    units = cluster_change.units(view, lxd, peers)
    answers = _answers(view, lxd, peers, call, units)
    silent = [units[member] for member, offer in answers.items() if offer is None]
    if silent:
        why = f"for {names(silent)} to say what it gives to the pool {pool.name}"
        return Change(call=call, problem=waiting(why))
    given = {member: offer for member, offer in answers.items() if offer is not None}
    refused = [(units[member], offer.problem) for member, offer in given.items() if offer.problem]
    if refused:
        unit, why = refused[0]
        return Change(call=call, problem=blocked(f"{unit}: {why}"))
    return Change((_creation(view, lxd, pool, given),), call)


def _call(view: View, peers: Peers, pool: WantedPool) -> Call:
    standing = peers.own.call
    if standing and (standing.pool, standing.backend) == (pool.name, pool.backend):
        return standing
    return Call(pool=pool.name, backend=pool.backend, serial=f"{view.unit} {view.now:.3f}")


def _answers(
    view: View, lxd: Lxd, peers: Peers, call: Call, units: Mapping[str, str]
) -> dict[str, Offer | None]:
    """By member. This unit's own answer is current."""
    mine = contributions.offers(view, lxd, [call])
    found: dict[str, Offer | None] = {}
    for member in sorted(m.name for m in lxd.members):
        unit = units[member]
        offers = mine if unit == view.unit else peers.others[unit].offers
        found[member] = offers.get(call.serial)
    return found


def _creation(view: View, lxd: Lxd, pool: WantedPool, given: Mapping[str, Offer]) -> CreatePool:
    backend = backends.BACKENDS[pool.backend]
    extensions = lxd.server.extensions
    members = {m: backend.part(pool, offer.device, extensions) for m, offer in given.items()}
    shared = contributions.shared_config(view, lxd, pool)
    return CreatePool(pool.name, backend.driver, shared, members)
