# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The action remove-pool: deletes a pool that no option wants any more."""

from __future__ import annotations

from act.storage import delete_pool
from actions.refusal import ActionRefused, alternatives, not_a_member, quoted
from plan.storage import pools
from ports.ports import Ports
from state.cluster import ClusterView, Pool
from state.view import Peers, View
from values import lxd_urls
from values.status import names


def remove_pool(view: View, ports: Ports, name: str) -> str:
    """Deletes a pool that no option wants any more and that holds only images."""
    lxd, peers = view.lxd, view.peers
    if not isinstance(lxd, ClusterView) or not lxd.server.clustered or peers is None:
        raise ActionRefused(not_a_member(view, f"remove-pool name={quoted(name)}"))
    existing = lxd.pools or ()
    pool = _pool_of_name(name, existing)
    if _may_be_wanted(view, peers, name, existing):
        raise ActionRefused(f"{name} is asked for: change storage-backend or storage-pools first")
    if down := [m.name for m in lxd.members if not m.up]:
        raise ActionRefused(f"all members must be up: {names(down)} is not: start its machine")
    _check_unused(pool)
    delete_pool(pool, ports)
    return f"the pool {name} is gone from all members"


def _pool_of_name(name: str, existing: tuple[Pool, ...]) -> Pool:
    """The pool of that name. Raises ActionRefused."""
    for pool in existing:
        if pool.name == name:
            return pool
    choices = alternatives((p.name for p in existing), "remove-pool")
    raise ActionRefused(f"there is no pool {name}: {choices}")


def _check_unused(pool: Pool) -> None:
    """Raises ActionRefused for a pool that holds more than images."""
    if users := pool.users:
        listing = ", ".join(str(lxd_urls.read(user)) for user in users)
        raise ActionRefused(
            f"{pool.name} is in use, and nothing was removed: {listing}; move or delete that first"
        )


def _may_be_wanted(view: View, peers: Peers, name: str, existing: tuple[Pool, ...]) -> bool:
    """Whether the options want the pool. Nobody knows before the storage is decided."""
    decided = peers.app.storage
    return decided is None or any(p.name == name for p in pools.wanted(view, decided, existing))
