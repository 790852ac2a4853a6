# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A folder of a file system in Ceph, for custom volumes that several instances share."""

from backends.backend import CEPH, Backend
from values.wanted_pool import WantedPool

_ONE_KEY = "storage_remote_drop_source"
"""With this extension of LXD the folder is a key that all members share (6.x)."""
PATH = "cephfs.path"
"""LXD's key of a pool for its folder: FILE-SYSTEM/FOLDER. LXD makes the folder."""


def _shared(pool: WantedPool, user: str, extensions: frozenset[str]) -> dict[str, str]:
    path = {PATH: pool.in_ceph} if _ONE_KEY in extensions else {}
    return {"cephfs.cluster_name": CEPH, "cephfs.user.name": user, **path}


def _own(pool: WantedPool, extensions: frozenset[str]) -> dict[str, str]:
    # Without it, the folder is LXD's `source`, a key of each member.
    return {} if _ONE_KEY in extensions else {"source": pool.in_ceph}


BACKEND = Backend(
    name="cephfs",
    driver="cephfs",
    sized=False,
    on_devices=False,
    needs="module ceph",
    remote=True,
    on_ceph=True,
    mounts=False,
    not_default="it holds no instances; name it in storage-pools",
    shared=_shared,
    own=_own,
)
