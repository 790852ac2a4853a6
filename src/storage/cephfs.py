"""A file system of Ceph's, for custom volumes that several instances share."""

from storage.backend import CEPH, Backend
from storage.wanted import WantedPool


def _shared(pool: WantedPool, user: str) -> dict[str, str]:
    del pool
    return {"cephfs.cluster_name": CEPH, "cephfs.user.name": user}


def _own(pool: WantedPool) -> dict[str, str]:
    # The file system is LXD's `source`, a key that each member is told for itself.
    return {"source": pool.in_ceph}


BACKEND = Backend(
    name="cephfs",
    driver="cephfs",
    sized=False,
    on_devices=False,
    needs="module ceph",
    on_ceph=True,
    for_instances=False,
    shared=_shared,
    own=_own,
)
