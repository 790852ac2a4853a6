# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The type of a storage backend."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from values.wanted_pool import WantedPool

CEPH = "lxd-cluster"
"""The name by which this machine's tools know the relation's Ceph. The machine may be part of a
Ceph itself.
"""


_NONE = frozenset[str]()


def _no_shared(pool: WantedPool, user: str, extensions: frozenset[str]) -> dict[str, str]:
    del pool, user, extensions
    return {}


def _no_own(pool: WantedPool, extensions: frozenset[str]) -> dict[str, str]:
    del pool, extensions
    return {}


@dataclass(frozen=True)
class Backend:
    """One row of the table: a word, LXD's driver for it, and what differs between members.

    `sized` says whether `storage-size` counts for it, `on_devices` whether it can be on its own
    block device, `remote` whether all members reach the same content, `on_ceph` whether that is in
    the relation's Ceph, `mounts` whether LXD mounts each volume while it uses it (read in its
    source, 5.0 to 6.9: in the others volumes are folders or subvolumes of the pool), `not_default`
    why the default pool cannot be of it, empty if it can, `needs` what a machine may lack for it.
    `shared` makes LXD's keys that are the same on all members, for a user of that Ceph. `own` makes
    the keys that LXD requires for each member although they are the same. Both depend on the
    extensions of LXD's API.
    """

    name: str
    driver: str
    sized: bool
    on_devices: bool
    needs: str
    remote: bool = False
    on_ceph: bool = False
    mounts: bool = True
    not_default: str = ""
    shared: Callable[[WantedPool, str, frozenset[str]], dict[str, str]] = _no_shared
    own: Callable[[WantedPool, frozenset[str]], dict[str, str]] = _no_own

    def part(
        self, pool: WantedPool, device: str, extensions: frozenset[str] = _NONE
    ) -> dict[str, str]:
        """LXD's keys for one member's part: on `device`, or without one in a loop file.

        With an empty size LXD chooses.
        """
        if device:
            return {"source": device}
        return {"size": pool.size} if self.sized and pool.size else self.own(pool, extensions)

    def member_config(self, pool: WantedPool, device: str) -> dict[str, str]:
        """A joining member's answers for its own part of the pool.

        Without a device `source` is empty on purpose: each member makes its own file or folder. LXD
        itself tells a joining member about pools that all members reach.
        """
        return {} if self.remote else {"source": "", **self.part(pool, device)}
