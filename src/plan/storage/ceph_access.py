# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Whether this machine reaches the Ceph of the cluster's pools, and the remedy if it does not."""

from __future__ import annotations

from collections.abc import Iterable

import backends
from backends.backend import CEPH
from relations import ceph
from state.cluster import ClusterView, Pool
from state.facts import Ceph
from state.view import View
from values.status import Status, blocked, waiting
from values.wanted_pool import WantedPool

_CLUSTERS = ("ceph.cluster_name", "cephfs.cluster_name")
_USERS = ("ceph.user.name", "cephfs.user.name")
"""LXD's keys for the Ceph of a pool, and the user there: the application's name at that time."""
_NAMES = ("cephfs.path", "ceph.osd.pool_name")


def user(pool: Pool) -> str:
    """The user of a pool of the charm's in its Ceph, empty for any other pool."""
    users = [pool.config[key] for key in _USERS if pool.config.get(key)]
    return users[0] if users and _is_ours(pool) else ""


def elsewhere(pool: Pool) -> str:
    """The name of a pool in a Ceph of the operator's own, empty for any other pool."""
    if not backends.on_ceph(pool.driver) or _is_ours(pool):
        return ""
    names = [pool.config[key] for key in _NAMES if pool.config.get(key)]
    return names[0] if names else pool.name


def has_earlier_user(view: View, pool: Pool) -> bool:
    """Whether the application had another name when it made a pool in the Ceph."""
    return user(pool) not in ("", view.unit.partition("/")[0])


def to_write(view: View) -> Ceph | None:
    """The Ceph whose files this machine must write, None if there is nothing to write.

    LXD uses the files, so those of another Ceph never replace them while a pool needs them.
    """
    answer = ceph.RELATION.of(view)
    if answer is None or answer.written:
        return None
    pools = (view.lxd.pools or ()) if isinstance(view.lxd, ClusterView) else ()
    if not answer.same and any(map(_is_ours, pools)):
        return None
    # If LXD uses it already, its monitors and its key may change.
    return answer if answer.ready or (answer.opens and any(map(_is_in_ceph, pools))) else None


def _is_in_ceph(pool: Pool) -> bool:
    return backends.on_ceph(pool.driver)


def not_ready(view: View) -> Status | None:
    """Why nothing can be made in the application's Ceph now."""
    answer = ceph.RELATION.of(view)
    if answer is None:
        app = view.unit.partition("/")[0]
        return blocked(f"ceph: integrate it with a Ceph: juju integrate {app} ceph-mon")
    if answer.problem:
        return blocked(f"ceph: it refuses the request: {answer.problem}")
    if answer.malformed:
        return blocked(f"ceph: its {answer.malformed}: see juju show-unit {view.unit}")
    if not answer.same:
        return blocked("ceph: the files here are of another Ceph: integrate that one again")
    return None if answer.ready else waiting("for Ceph to answer")


def without_key(view: View, pool: WantedPool) -> Status | None:
    """Blocked for a joining unit without the key of a pool that has an earlier user.

    The application was deployed under another name then. Its relation gives only its own key.
    """
    answer = ceph.RELATION.of(view)
    if not pool.user or answer is None or pool.user in {answer.user, *answer.users}:
        return None
    return blocked(f"copy /etc/ceph/lxd-cluster.client.{pool.user}.keyring here from a member")


def unwanted_without_ceph(view: View, existing: Iterable[Pool]) -> Status | None:
    """Blocked for a pool that no option wants, and whose Ceph is not integrated, or another one is.

    The cure for an empty pool may also be its removal.
    """
    made = [pool for pool in existing if _is_ours(pool) and not pool.half_made]
    found = next(iter(sorted(made, key=lambda pool: not pool.users)), None)
    problem = without_ceph(view, found.name) if found else None
    if problem is None or found is None or found.users:
        return problem
    name = found.name
    return blocked(f"the pool {name} is in a Ceph and empty: integrate it, or run remove-pool")


def without_ceph(view: View, pool: str) -> Status | None:
    """Blocked if the Ceph of a pool is not integrated, or another one is."""
    answer = ceph.RELATION.of(view)
    if answer is None:
        return blocked(f"the pool {pool} is in a Ceph: integrate that Ceph again")
    if not answer.same:
        return blocked(f"the pool {pool} is in another Ceph: integrate that one again")
    return None


def _is_ours(pool: Pool) -> bool:
    """Whether a pool is in the relation's Ceph. An operator's own Ceph has another name."""
    return any(pool.config.get(key) == CEPH for key in _CLUSTERS)
