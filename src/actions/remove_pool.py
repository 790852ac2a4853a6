# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The action remove-pool: deletes a pool that no option wants any more."""

from __future__ import annotations

from collections.abc import Iterable

import backends
from act.storage import delete_pool
from actions.refusal import ActionRefused, alternatives, confirmation, not_a_member, quoted
from backends import cephfs
from plan.storage import pools
from ports.ports import Ports
from state.cluster import ClusterView, Pool
from state.view import Peers, View
from values import lxd_urls
from values.status import names
from values.wanted_pool import is_device


def remove_pool(view: View, ports: Ports, name: str, confirm: str = "") -> str:
    """Deletes a pool that no option wants any more and that holds only images.

    If the pool is a whole file system in a Ceph, or a folder that somebody gave to LXD, the
    operator confirms that LXD wipes that.
    """
    lxd, peers = view.lxd, view.peers
    if not isinstance(lxd, ClusterView) or not lxd.server.clustered or peers is None:
        raise ActionRefused(not_a_member(view, f"remove-pool name={quoted(name)}"))
    pool = _removable(view, lxd, peers, name)
    _check_unused(pool)
    _check_wipe(pool, confirm)
    sources = ports.lxd.pools.given_sources(name, (m.name for m in lxd.members))
    _check_folders(pool, sources.values(), confirm)
    delete_pool(pool, ports)
    return f"the pool {name} is gone from all members"


def _removable(view: View, lxd: ClusterView, peers: Peers, name: str) -> Pool:
    """The pool of that name, if no option wants it and all members are up.

    Raises ActionRefused.
    """
    existing = lxd.pools or ()
    left = [p.name for p in existing if not _may_be_wanted(view, peers, p.name, existing)]
    pool = _pool_of_name(name, existing, left)
    if name not in left:
        raise ActionRefused(f"{name} is asked for: change storage-backend or storage-pools first")
    if down := [m.name for m in lxd.members if not m.up]:
        raise ActionRefused(f"all members must be up: {names(down)} is not: start its machine")
    return pool


def _pool_of_name(name: str, existing: tuple[Pool, ...], left: Iterable[str]) -> Pool:
    """The pool of that name. Raises ActionRefused with those that are `left`."""
    for pool in existing:
        if pool.name == name:
            return pool
    choices = alternatives(left, "remove-pool")
    raise ActionRefused(f"there is no pool {name}: {choices}")


def _check_unused(pool: Pool) -> None:
    """Raises ActionRefused for a pool that holds more than images."""
    if users := pool.users:
        listing = ", ".join(str(lxd_urls.read(user)) for user in users)
        raise ActionRefused(
            f"{pool.name} is in use, and nothing was removed: {listing}; move or delete that first"
        )


def _check_wipe(pool: Pool, confirm: str) -> None:
    """Raises ActionRefused for a pool in the root of a file system, unless it is confirmed.

    LXD wipes all that is in a pool's folder (`Delete` in driver_cephfs.go, 5.0 to 6.9).
    """
    if pool.driver != backends.CEPHFS:
        return
    file_system, _, folder = pool.config.get(cephfs.PATH, "").partition("/")
    wanted = confirmation("wipe", file_system or pool.name)
    if not folder.strip("/") and confirm != wanted:
        raise ActionRefused(
            f"{pool.name} is the root of the file system {file_system or 'in Ceph'}: LXD wipes "
            f"that with everything that others stored there: repeat with confirm={wanted}"
        )


def _check_folders(pool: Pool, sources: Iterable[str], confirm: str) -> None:
    """Raises ActionRefused for a pool in a folder of a machine, unless it is confirmed.

    LXD wipes that, too (`Delete` in driver_dir.go and driver_btrfs.go, 5.0 to 6.9). The folder was
    empty when it became a pool, and may be a network file system that others use since then. Each
    member has its own source.
    """
    folders = {s for s in sources if s.startswith("/") and not is_device(s)}
    wanted = confirmation("wipe", pool.name)
    if not folders or confirm == wanted:
        return
    raise ActionRefused(
        f"{pool.name} is in {names(folders)}: LXD wipes that folder on each member that has its "
        f"part there, with everything that others stored there: repeat with confirm={wanted}"
    )


def _may_be_wanted(view: View, peers: Peers, name: str, existing: tuple[Pool, ...]) -> bool:
    """Whether the options want the pool: unknown until the default pool's backend is decided."""
    decided = peers.app.storage
    return decided is None or any(p.name == name for p in pools.wanted(view, decided, existing))
