# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Disks, file systems and zpools that are not on this machine any more."""

from __future__ import annotations

import re
from pathlib import Path

_BY_UUID = Path("/dev/disk/by-uuid")
_ZPOOLS = Path("/proc/spl/kstat/zfs")
"""The kernel has a folder here for each imported zpool, and this one while its module is loaded."""
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def lacks_file_system(uuid: str, links: Path = _BY_UUID) -> bool:
    """Whether no device has a file system with this UUID. False for any other text.

    Without udev, as in a container, there are no links to check, and nothing is missing.
    """
    return bool(_UUID.fullmatch(uuid)) and links.exists() and not (links / uuid).exists()


def lacks_zpool(name: str, zpools: Path = _ZPOOLS) -> bool:
    """Whether the kernel has no such zpool. Without its module nothing is known to be missing."""
    return zpools.exists() and not (zpools / name).exists()
