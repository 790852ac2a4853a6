"""The shape of a storage backend."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Backend:
    """One row of the table: a word, LXD's driver for it, and what differs between members.

    `sized` says whether `storage-size` means something for it, `on_devices` whether it can be on
    a block device of its own, `needs` what a machine may lack for it.
    """

    name: str
    driver: str
    sized: bool
    on_devices: bool
    needs: str

    def pool_config(self, size: str, device: str) -> dict[str, str]:
        """LXD's keys for the pool on one member: on `device`, or without one in a loop file.

        An empty size leaves the choice to LXD.
        """
        if device:
            return {"source": device}
        return {"size": size} if self.sized and size else {}

    def member_keys(self, size: str, device: str) -> dict[str, str]:
        """What a joining member answers for its own part of the pool.

        Without a device `source` is empty on purpose: each makes a file or folder of its own.
        """
        return {"source": "", **self.pool_config(size, device)}
