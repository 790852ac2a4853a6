# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Pools in a file system of the Ceph, and the key that LXD 6.8 and later need for them."""

from __future__ import annotations

import backends
from backends.backend import CEPH
from relations import ceph
from state.cluster import ClusterView
from state.view import View
from values import lxd_versions
from values.status import Status, blocked

_CLUSTER = "cephfs.cluster_name"


def without_admin_key(view: View, version: str) -> Status | None:
    """Blocked if an LXD of this version could not mount a file system of the Ceph here.

    LXD 6.8 and later ask the Ceph for its id, its monitors and its mode of messages without naming
    a user (utils_ceph.go), which means client.admin. The relation gives no key for that.
    """
    answer = ceph.RELATION.of(view)
    if not lxd_versions.asks_ceph_as_admin(version) or (answer and ceph.ADMIN in answer.users):
        return None
    number = lxd_versions.shown(version)
    return blocked(f"LXD {number}: cephfs needs /etc/ceph/lxd-cluster.client.admin.keyring")


def without_admin_key_after(view: View, lxd: ClusterView, before: str, after: str) -> Status | None:
    """Blocked if another LXD could not mount a file system that the present one mounts."""
    if lxd_versions.asks_ceph_as_admin(before):
        return None
    there = (p for p in lxd.pools or () if p.driver == backends.CEPHFS)
    used = any(pool.config.get(_CLUSTER) == CEPH for pool in there)
    return without_admin_key(view, after) if used else None
