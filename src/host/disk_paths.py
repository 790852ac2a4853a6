# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Other devices of this machine that are the same disk.

A disk of a SAN has a device for each path to it. Where multipath does not put them together, the
kernel does not know that they are one disk: what is mounted from one of them looks free in another.
"""

from __future__ import annotations

from pathlib import Path

from host import world_wide_names

_DEV = Path("/dev")


def others(sys: Path, name: str) -> tuple[str, ...]:
    """The kernel's names of the other devices of a disk or partition, by its name below `sys`.

    `sys` is the folder of all block devices. A device of multipath and its paths do not count: the
    kernel knows how they belong together.
    """
    world_wide = world_wide_names.of((sys / name).resolve())
    if not world_wide:
        return ()
    return tuple(
        entry.name
        for entry in sorted(sys.glob("*"))
        if entry.name != name
        and world_wide_names.of(entry.resolve()) == world_wide
        and not _belong_together(sys, name, entry.name)
        # NVMe has devices for its own paths that no program can open.
        and (_DEV / entry.name).is_block_device()
    )


def _belong_together(sys: Path, one: str, other: str) -> bool:
    return any((sys / a / "holders" / b).exists() for a, b in ((one, other), (other, one)))
