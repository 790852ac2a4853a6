"""The action remove-pool: deletes a pool that no option wants any more."""

from __future__ import annotations

from actions.refusal import ActionRefused, alternatives, not_a_member, quoted
from plan.storage import pools
from ports.world import World
from state.cluster import Lxd
from state.view import View
from values import lxd_urls
from values.status import names


def remove_pool(view: View, world: World, name: str) -> str:
    """Deletes a pool that no option wants any more and that holds only images."""
    lxd, peers = view.lxd, view.peers
    if not isinstance(lxd, Lxd) or not lxd.server.clustered or peers is None:
        raise ActionRefused(not_a_member(view, f"remove-pool name={quoted(name)}"))
    known = lxd.pools or ()
    pool = next((p for p in known if p.name == name), None)
    if pool is None:
        there = alternatives((p.name for p in known), "remove-pool")
        raise ActionRefused(f"there is no pool {name}: {there}")
    decided = peers.app.storage
    if decided is None or any(p.name == name for p in pools.wanted(view, decided, known)):
        raise ActionRefused(f"{name} is asked for: change storage-backend or storage-pools first")
    if down := [m.name for m in lxd.members if not m.up]:
        raise ActionRefused(f"all members must be up: {names(down)} is not: start its machine")
    if users := pool.users:
        listed = ", ".join(str(lxd_urls.read(user)) for user in users)
        raise ActionRefused(
            f"{name} is in use, and nothing was removed: {listed}; move or delete that first"
        )
    world.lxd.pools.delete(name)
    return f"the pool {name} is gone from all members"
