"""The shape of a storage backend."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from values.wanted_pool import WantedPool

CEPH = "lxd-cluster"
"""What this machine's tools call the Ceph of the relation. It may be part of one itself."""


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

    `sized` says whether `storage-size` means something for it, `on_devices` whether it can be on
    a block device of its own, `on_ceph` whether it is in a Ceph that all members share,
    `for_instances` whether instances can be on it, `needs` what a machine may lack for it.
    `shared` makes LXD's keys that are the same on all members, for a user of that Ceph, `own`
    those that LXD wants to be told for each member though they are the same. Both depend on the
    extensions of LXD's API.
    """

    name: str
    driver: str
    sized: bool
    on_devices: bool
    needs: str
    on_ceph: bool = False
    for_instances: bool = True
    shared: Callable[[WantedPool, str, frozenset[str]], dict[str, str]] = _no_shared
    own: Callable[[WantedPool, frozenset[str]], dict[str, str]] = _no_own

    def part(
        self, pool: WantedPool, device: str, extensions: frozenset[str] = _NONE
    ) -> dict[str, str]:
        """LXD's keys for one member's part: on `device`, or without one in a loop file.

        An empty size leaves the choice to LXD.
        """
        if device:
            return {"source": device}
        return {"size": pool.size} if self.sized and pool.size else self.own(pool, extensions)

    def member_config(self, pool: WantedPool, device: str) -> dict[str, str]:
        """The `member_config` of a joining member for its own part of the pool.

        Without a device `source` is empty on purpose: each makes a file or folder of its own. Of
        what is in a Ceph LXD tells a joiner itself.
        """
        return {} if self.on_ceph else {"source": "", **self.part(pool, device)}
