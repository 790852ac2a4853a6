# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Plan for a unit outside the cluster: bootstrap it, join it, or report why it can do neither."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import backends
from plan.addresses import listening
from plan.forming import member_names
from plan.install import existing_lxd, removed_snap, versions
from plan.networks import contributions, overlay_dhcp
from plan.recovery import unresponsive
from plan.storage import contributions as storage_contributions
from plan.storage import left_folders
from state.cluster import ClusterView
from state.peers import Storage, Token, UnitData
from state.view import RESET, Peers, View
from steps.forming import EnableCluster, Join, ResetLxd
from steps.networks import SetDefaultProfile
from steps.plan import Plan, Step
from steps.storage import CreatePool
from values.addresses import endpoint
from values.status import Status, blocked, waiting

JOINS = 3
"""After this number of failed joins in a row the unit waits for the operator."""


def plan_join(view: View, lxd: ClusterView, peers: Peers, own: UnitData) -> Plan:
    """The plan of a unit whose LXD is not clustered."""
    if step := versions.before_join(view, lxd, peers):
        return Plan(waiting("for the cluster's LXD snap"), (step,), own)
    if why := _interruption(view, lxd, peers):
        return Plan(waiting("to join again"), (ResetLxd(why, own.attempt + 1),), own)
    # It reports that also while it is refused because no member reaches it.
    own = own.model_copy(update={"listens": _listens(view, lxd, peers)})
    unfit = _unfit(view, lxd, peers)
    if unfit is not None:
        return Plan(unfit, own=own)
    able = own.model_copy(update={"able": True})
    if view.history.join_failure:
        return Plan(waiting(f"to join again: {view.history.join_failure}"), own=able)
    bootstrapped = _cluster(peers)
    if not bootstrapped and peers.app.bootstrap == view.unit:
        return _bootstrap(view, lxd, peers, able)
    # It listens while it waits for the join lock, so that members can test whether they reach it.
    listen = tuple(listening.before_join(view, lxd)) if bootstrapped else ()
    token = _token(view, peers, able)
    if token is None:
        return Plan(_waits_for(view, peers), listen, able)
    return Plan(waiting("to join"), (*listen, _join(view, lxd, peers, token)), able)


def _listens(view: View, lxd: ClusterView, peers: Peers) -> bool:
    """Whether members can test now if they reach this unit: LXD listens already."""
    on_one_address = view.cluster_address == view.https_address != "" and _cluster(peers) != ""
    return on_one_address and not listening.before_join(view, lxd)


def _interruption(view: View, lxd: ClusterView, peers: Peers) -> str:
    """What was interrupted here and has left something in LXD, empty if nothing was.

    LXD ended during a join and kept what it had made for the join, or its reset did not end.
    """
    forming = view.forming
    if forming is None or peers.own.cluster or lxd.instances or existing_lxd.with_image(lxd):
        return ""
    if forming.what == RESET:
        return unresponsive.RESET_INTERRUPTED
    # A device may be in use by something that LXD no longer lists.
    left = bool(forming.devices) or _not_empty(lxd) is not None
    return "its join was interrupted" if forming.what == "join" and left else ""


def _cluster(peers: Peers) -> str:
    """The cluster's identity, empty if no unit has reported one."""
    identities = (d.cluster for u, d in peers.others.items() if u in peers.placed and d.cluster)
    return peers.app.cluster or next(identities, "")


def _storage(peers: Peers) -> Storage | None:
    """The cluster's pool as decided at the bootstrap, None before it."""
    pools_ = (d.storage for unit, d in peers.others.items() if unit in peers.placed and d.cluster)
    return peers.app.storage or next((storage for storage in pools_ if storage), None)


def _unfit(view: View, lxd: ClusterView, peers: Peers) -> Status | None:
    """Why this unit may neither bootstrap nor join. Nothing was changed."""
    return next(filter(None, _reasons_to_stay_out(view, lxd, peers)), None)


def _reasons_to_stay_out(view: View, lxd: ClusterView, peers: Peers) -> Iterator[Status | None]:
    """The result of each check, the most important first."""
    yield _no_longer_member(view, peers)
    yield _failed_too_often(view)
    yield listening.without_address(view)
    yield listening.taken(lxd)
    yield listening.other_family(view, peers)
    yield _holds_instances(lxd)
    yield _name_clash(view, peers)
    yield _refused(view, peers)
    yield versions.mismatch(view, lxd, peers)
    yield contributions.before_join(view, _token(view, peers, peers.own))[1]
    yield overlay_dhcp.before_join(view, peers)
    yield _unfit_storage(view, lxd, peers)


def _no_longer_member(view: View, peers: Peers) -> Status | None:
    """Why a unit that was a member does not join again, None if it never was one."""
    if not peers.own.cluster:
        return None
    return unresponsive.removed() if view.unit in peers.removed else blocked(removed_snap.empty())


def _failed_too_often(view: View) -> Status | None:
    if not view.failures or view.failures.count < JOINS:
        return None
    why = view.failures.last
    return blocked(f"{view.failures.count} joins failed; run retry-join. The last: {why}")


def _holds_instances(lxd: ClusterView) -> Status | None:
    if not lxd.instances:
        return None
    return blocked("LXD here has instances, joining would lose them: move or delete them")


def _name_clash(view: View, peers: Peers) -> Status | None:
    """Blocked for a name that another unit's member has or will have."""
    name = member_names.of_unit(view, peers)
    clash = member_names.clash(view, peers, name)
    return blocked(f"{clash} also has the name {name}: rename this machine") if clash else None


def _unfit_storage(view: View, lxd: ClusterView, peers: Peers) -> Status | None:
    decided = _storage(peers)
    bootstraps = peers.app.bootstrap == view.unit and not decided
    lxd = _without_unmade(view, lxd) if bootstraps else lxd
    _, problem = storage_contributions.before_join(
        view, lxd, decided, _token(view, peers, peers.own)
    )
    if problem is not None:
        return problem
    return _unfit_own_pool(view, lxd) if bootstraps else _not_empty(lxd)


def _unfit_own_pool(view: View, lxd: ClusterView) -> Status | None:
    """Blocked if this unit's own, interrupted bootstrap cannot have made the default pool."""
    name = view.options.storage_pool
    backend = backends.resolve(view.options.storage_backend, lxd.server.drivers)
    pool = next((p for p in lxd.pools or () if p.name == name), None)
    if pool and backend and pool.driver != backend.driver:
        return blocked(f"LXD here has a pool {name} with the driver {pool.driver}: delete it")
    if pool and not pool.usable:
        return blocked(f"LXD here cannot use its pool {name}: bring it back or delete it")
    return None


def _without_unmade(view: View, lxd: ClusterView) -> ClusterView:
    """The same, without a pool that LXD is making or did not finish: the bootstrap finishes it.

    That is not possible on a device, which already has its file system.
    """
    if view.default_pool.devices:
        return lxd
    return replace(lxd, pools=tuple(pool for pool in lxd.pools or () if not pool.defined))


def _not_empty(lxd: ClusterView) -> Status | None:
    """What prevents a join: LXD would lose it."""
    if image := existing_lxd.with_image(lxd):
        return blocked(image)
    things = [f"storage pool {p.name}" for p in lxd.pools or ()]
    things += [f"network {n.name}" for n in lxd.networks or ()]
    return blocked(f"LXD here has a {things[0]}: joining needs an empty LXD") if things else None


def _refused(view: View, peers: Peers) -> Status | None:
    """Blocked while a member refuses this unit."""
    # A unit without a place may be gone without Juju saying so here, and its data stay.
    queued = {entry.unit for entry in peers.app.queue}
    reasons = (d.refused.get(view.unit, "") for u, d in peers.others.items() if u in queued)
    return next((blocked(reason) for reason in reasons if reason), None)


def _bootstrap(view: View, lxd: ClusterView, peers: Peers, own: UnitData) -> Plan:
    """Makes a cluster of this unit. The leader's decision was committed: this unit has read it."""
    steps: list[Step] = [*left_folders.removal(view)]
    steps += listening.before_bootstrap(view, lxd)
    made, _ = storage_contributions.before_join(view, _without_unmade(view, lxd), None, None)
    steps += [
        CreatePool(p.pool.name, p.backend.driver, p.standalone_config(view, lxd)) for p in made
    ]
    # The coordinator makes its networks in the cluster, by the same rules as later ones.
    steps.append(SetDefaultProfile(view.options.storage_pool, {}))
    steps.append(EnableCluster(member_names.of_unit(view, peers)))
    return Plan(waiting("to bootstrap the cluster"), tuple(steps), own)


def _token(view: View, peers: Peers, own: UnitData) -> Token | None:
    """The token that is this unit's permission to join now."""
    for data in peers.others.values():
        token = data.token
        if token is None or not data.cluster or token.unit != view.unit:
            continue
        if token.attempt == own.attempt and token.name in ("", member_names.of_unit(view, peers)):
            return token
    return None


def _join(view: View, lxd: ClusterView, peers: Peers, token: Token) -> Join:
    pool_keys, _ = storage_contributions.before_join(view, lxd, _storage(peers), token)
    return Join(
        name=member_names.of_unit(view, peers),
        address=endpoint(view.cluster_address),
        sealed=token.sealed,
        cluster=_cluster(peers),
        trusted=_certificates(peers),
        pools={config.pool.name: config.member_config() for config in pool_keys},
        networks=contributions.before_join(view, token)[0],
        next_attempt=token.attempt + 1,
        issuer=next((unit for unit, d in peers.others.items() if d.token == token), ""),
    )


def _certificates(peers: Peers) -> frozenset[str]:
    """Fingerprints that members of our cluster publish."""
    cluster = _cluster(peers)
    members = (d for d in peers.others.values() if d.cluster == cluster)
    return frozenset(d.fingerprint for d in members if d.fingerprint)


def _waits_for(view: View, peers: Peers) -> Status:
    """What this unit waits for."""
    if not _cluster(peers):
        if not peers.app.bootstrap:
            return waiting("for the leader to name the unit that bootstraps")
        return waiting(f"for {peers.app.bootstrap} to bootstrap the cluster")
    waiting_for = ""
    for entry in peers.app.queue:
        if entry.unit == view.unit:
            break
        data = peers.others.get(entry.unit)
        if data and not data.cluster and data.able and data.attempt == entry.attempt:
            waiting_for = entry.unit
    if waiting_for:
        return waiting(f"to join after {waiting_for}")
    return waiting("for a join token")
