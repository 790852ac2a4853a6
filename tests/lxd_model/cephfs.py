# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Folders of a file system in a Ceph, for pools of cephfs.

LXD takes only an empty folder, which it makes if there is none. With the pool it wipes all that is
in the folder (`Create` and `Delete` in driver_cephfs.go, 5.0 to 6.9).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.lxd_model.refusal import Refusal
from tests.lxd_model.things import Config, Pool

if TYPE_CHECKING:
    from tests.lxd_model.server import Server

DRIVER = "cephfs"
_PATH = "cephfs.path"
_OF_LXD = "custom"
"""A folder that LXD makes in each pool."""


def mount(server: Server) -> None:
    """A server mounts a file system. From 6.8 on it first asks the Ceph as client.admin."""
    if server.generation.newest and server.machine not in server.cloud.ceph_admins:
        run = "ceph --format json --cluster lxd-cluster fsid: exit status 1"
        raise Refusal(f'Failed getting fsid for "lxd-cluster": Failed running: {run}')


def made(server: Server, config: Config, own: Config) -> dict[str, str]:
    """The keys that all members share, once LXD has made the pool's folder."""
    one_key = "storage_remote_drop_source" in server.generation.has
    folder = config.get(_PATH, "") if one_key else own.get("source", "")
    if not folder:
        why = "path" if one_key else "source name/path"
        raise Refusal(f"Missing required {why}")
    mount(server)
    if _inside(server, folder):
        spelling = "CephFS" if server.generation.modern else "CEPHFS"
        raise Refusal(f"Only empty {spelling} paths can be used as a LXD storage pool")
    server.cloud.in_cephfs.add(f"{_with_slash(folder)}{_OF_LXD}")
    return {**config, _PATH: folder}


def wipe(server: Server, pool: Pool) -> None:
    """Wipes all that is in the folder of a pool."""
    folder = pool.config.get(_PATH, "")
    for entry in _inside(server, folder) if folder else ():
        server.cloud.in_cephfs.remove(entry)
        if entry != f"{_with_slash(folder)}{_OF_LXD}":
            server.cloud.destroyed_data.append(entry)


def _inside(server: Server, folder: str) -> list[str]:
    return sorted(e for e in server.cloud.in_cephfs if e.startswith(_with_slash(folder)))


def _with_slash(folder: str) -> str:
    return folder.rstrip("/") + "/"
