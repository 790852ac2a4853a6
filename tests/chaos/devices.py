# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Faults of the devices with a member's data."""

from __future__ import annotations

from tests.chaos.fault import Fault
from tests.chaos.ground import Ground
from tests.integration import cluster
from tests.integration.conftest import APP

_POOL = "images"
_MOUNTED = f"/var/snap/lxd/common/lxd/storage-pools/{_POOL}"
_STOP = "snap stop lxd"
_TAKE = f"losetup --detach $(readlink /dev/{_POOL}) && rm /dev/{_POOL}"
_GIVE = f"ln -s $(losetup --find --show /var/tmp/{_POOL}) /dev/{_POOL}"


def _images_device_gone(ground: Ground) -> None:
    """LXD's daemon ends when it starts, and the charm lets it start without the volume."""
    for unit in ground.units():
        cluster.make_disk(ground.juju, unit, _POOL)
    asked = {
        "storage-pools": f"{{{_POOL}: {{backend: btrfs, devices: /dev/{_POOL}}}}}",
        "storage-images-volume": _POOL,
    }
    ground.juju.config(APP, asked)
    cluster.eventually(lambda: _volumes(ground) == len(ground.units()), 180)
    unit = ground.last()

    ground.ssh(unit, f"{_STOP}; umount {_MOUNTED}; {_TAKE}; snap start lxd")

    ground.until(unit, f"blocked: LXD cannot start without {_POOL}/*")
    ground.until(unit, f"blocked: pool {_POOL} is not here*", seconds=300)
    ground.until_app(f"blocked: {unit}: pool {_POOL}*")
    ground.ssh(unit, f"{_GIVE}; snap restart --reload lxd")
    ground.whole()
    ground.juju.config(APP, reset=list(asked))
    cluster.eventually(lambda: _volumes(ground) == 0, 180)
    ground.juju.run(f"{APP}/leader", "remove-pool", {"name": _POOL})


def _volumes(ground: Ground) -> int:
    """The number of members with a volume for images on the pool."""
    path = "/1.0/storage-pools?recursion=1"
    pools = cluster.query(ground.juju, path, ground.first())
    if _POOL not in {pool["name"] for pool in pools}:
        return 0
    path = f"/1.0/storage-pools/{_POOL}/volumes/custom"
    return len(cluster.query(ground.juju, path, ground.first()))


FAULTS = (
    Fault(
        "images-device-gone",
        "the device that LXD's images are on is gone when a member starts, then back",
        "the unit says why LXD ends, and goes on without; whole once it is back",
        3,
        _images_device_gone,
    ),
)
