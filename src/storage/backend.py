"""The shape of a storage backend."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Backend:
    """One row of the table: a word, LXD's driver for it, and what differs between members.

    `sized` says whether `storage-size` means something for it.
    """

    name: str
    driver: str
    sized: bool

    def pool_config(self, size: str) -> dict[str, str]:
        """LXD's keys for the pool on one member. An empty size leaves the choice to LXD."""
        return {"size": size} if self.sized and size else {}

    def member_keys(self, size: str) -> dict[str, str]:
        """What a joining member answers for its own part of the pool.

        `source` is empty on purpose: each member makes a loop file or directory of its own.
        """
        return {"source": "", **self.pool_config(size)}
