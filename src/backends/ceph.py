# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Ceph's block devices: every member has the same pool, and an instance moves without a copy."""

from backends.backend import CEPH, Backend
from values.wanted_pool import WantedPool


def _shared(pool: WantedPool, user: str, extensions: frozenset[str]) -> dict[str, str]:
    del extensions
    return {
        "ceph.cluster_name": CEPH,
        "ceph.user.name": user,
        "ceph.osd.pool_name": pool.in_ceph,
    }


BACKEND = Backend(
    name="ceph",
    driver="ceph",
    sized=False,
    on_devices=False,
    needs="rbd",
    remote=True,
    on_ceph=True,
    shared=_shared,
)
