"""What the options ask of the whole cluster, in words, before any of it is done."""

from __future__ import annotations

import pools
import storage
from plan import make_plan
from steps import CreatePool, KeepRoots, SetDefaultProfile
from view import Lxd, View


def lines(view: View) -> list[str]:
    """The steps that are due on this unit, and after them what the cluster's pools still need."""
    own = [str(step) for step in make_plan(view).steps]
    return own + [line for line in _of_pools(view) if line not in own]


def _of_pools(view: View) -> list[str]:
    lxd, peers = view.lxd, view.peers
    if not isinstance(lxd, Lxd) or peers is None:
        return []
    decided, known = peers.app.storage, lxd.pools
    if decided is None or known is None or pools.misfit(view, decided, known):
        return []
    wanted = pools.wanted(view, decided, known)
    members = sorted(m.name for m in lxd.members)
    found: list[str] = []
    for pool in pools.unmade(wanted, known):
        if len(members) > 1:
            found.append(f"ask {', '.join(members)} what they give to the pool {pool.name}")
        driver = storage.BACKENDS[pool.backend].driver
        found.append(str(CreatePool(pool.name, driver, {}, {name: {} for name in members})))
    default = wanted[0].name
    if any(p.name == default and pools.PROFILE in p.used_by for p in known):
        return found
    moved = [str(KeepRoots(p.pool)) for p in pools.moving(default, known)]
    return [*found, *moved, str(SetDefaultProfile(default, None))]
