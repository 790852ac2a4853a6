# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Empty folders on this machine of pools that LXD did not finish.

LXD makes a folder, then its member notes that. If the daemon ends in between, LXD later deletes the
pool without the folder, and refuses to make one of that name: "Storage pool directory already
exists" (measured on 5.0.2; lxdBackend.Create and storagePoolDelete are the same up to 6.9).
"""

from __future__ import annotations

from plan.storage import pools
from state.cluster import ClusterView
from state.view import View
from steps.storage import RemoveLeftFolder


def candidates(view: View) -> set[str]:
    """The wanted pools that LXD does not know."""
    lxd, peers = view.lxd, view.peers
    if not isinstance(lxd, ClusterView) or lxd.pools is None or peers is None:
        return set()
    known = {pool.name for pool in lxd.pools}
    if decided := peers.app.storage:
        return {pool.name for pool in pools.wanted(view, decided, lxd.pools)} - known
    bootstraps = not lxd.server.clustered and peers.app.bootstrap == view.unit
    return {view.default_pool.name} - known if bootstraps else set()


def removal(view: View) -> tuple[RemoveLeftFolder, ...]:
    """Removes the folders that prevent a wanted pool."""
    return tuple(RemoveLeftFolder(pool) for pool in sorted(view.left_folders))
