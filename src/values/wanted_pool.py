# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A storage pool as the operator wants it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

SIZE = re.compile(r"([1-9][0-9]{0,17})(B|kB|MB|GB|TB|PB|KiB|MiB|GiB|TiB|PiB)")
_PREFIXES = "kMGTP"
VOLUME_SIZE = "volume.size"
DEVICE = "/dev/"
"""The beginning of the paths of block devices."""
_SHARED_MEMORY = "/dev/shm/"  # noqa: S108 - the charm makes no file there
LEAST_FILE = "5GiB"
"""LXD needs so much free space to choose the size of a loop file itself (by source)."""


@dataclass(frozen=True)
class WantedPool:
    """One pool, the same on every member. `devices` are paths and globs in order of preference."""

    name: str
    backend: str
    size: str = ""
    devices: tuple[str, ...] = ()
    in_ceph: str = ""
    """Its name in Ceph: an OSD pool, or a folder in `file_system`."""
    file_system: str = ""
    """The file system in Ceph that it is in, empty for other backends."""
    user: str = ""
    """The user of an existing pool in the application's Ceph."""
    without_relation: bool = False
    """Whether it is in a Ceph of the operator's own, which no relation integrates."""
    config: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def volume_size(self) -> str:
        """The size of a volume on it by default, empty if LXD chooses."""
        return self.config.get(VOLUME_SIZE, "")


def is_device(source: str) -> bool:
    """Whether the source of a pool is a block device, by its path: /dev/shm holds folders."""
    return source.startswith(DEVICE) and not source.startswith(_SHARED_MEMORY)


def in_bytes(value: str) -> int:
    """The number of bytes of a size, 0 for an empty one."""
    match = SIZE.fullmatch(value)
    if match is None:
        return 0
    number, unit = int(match[1]), match[2]
    base = 1024 if unit.endswith("iB") else 1000
    return number * base ** (_PREFIXES.find(unit[0].replace("K", "k")) + 1)


def named_in_ceph(pool: WantedPool, unit: str) -> WantedPool:
    """A pool with its name in Ceph, where others may have a pool of the same name.

    A file system may hold the files of others: a pool gets its own folder there, because LXD wipes
    what is in a pool when it deletes the pool.
    """
    name = pool.in_ceph or f"{unit.partition('/')[0]}-{pool.name}"
    return replace(pool, in_ceph=f"{pool.file_system}/{name}" if pool.file_system else name)
