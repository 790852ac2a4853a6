"""Devices of zfs and lvm that a machine loses, and has again."""

from __future__ import annotations

from collections.abc import Callable

import jubilant

from tests.acceptance.conftest import WAIT
from tests.integration.cluster import lxc, message, query, whole
from tests.integration.conftest import APP

POOLS = "{quick: {backend: zfs, devices: /dev/vdb}, wide: {backend: lvm, devices: /dev/vdc}}"
UNPLUG = (
    "snap stop lxd && zpool export quick && vgchange --quiet --activate n wide && "
    "for disk in vdb vdc; do echo 1 > $(readlink -f /sys/block/$disk/device)/../remove; done; "
    "snap start lxd"
)
PLUG = "echo 1 > /sys/bus/pci/rescan && udevadm settle && snap restart lxd"


def shell(juju: jubilant.Juju, unit: str, commands: str) -> None:
    """Carries out shell commands as root on the unit's machine."""
    juju.ssh(unit, f"sudo sh -c '{commands}'")


def says(juju: jubilant.Juju, unit: str, begins: str) -> None:
    """Returns once the unit's status begins so."""
    juju.wait(lambda s: message(s, unit).startswith(begins), delay=1.0, successes=1, timeout=WAIT)


def test_pools_whose_devices_vanished_are_named_until_they_are_back(
    juju: jubilant.Juju, deploy: Callable[..., None]
):
    juju.model_config({"update-status-hook-interval": "10s"})
    deploy(1, storage_backend="dir", storage_pools=POOLS)
    whole(juju, 1, WAIT)
    (unit,) = juju.status().apps[APP].units
    lxc(juju, "storage volume create quick kept")
    lxc(juju, "storage volume create wide kept")

    shell(juju, unit, UNPLUG)

    says(juju, unit, "blocked: pool quick is not here")
    shell(juju, unit, PLUG)
    whole(juju, 1, WAIT)
    for pool in ("quick", "wide"):
        found = query(juju, f"/1.0/storage-pools/{pool}/volumes/custom")
        assert [path.rpartition("/")[2].partition("?")[0] for path in found] == ["kept"]
