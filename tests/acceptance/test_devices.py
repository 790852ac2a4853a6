# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Disks that are missing, that disappear and come back; the kernel's own rbd and cephfs."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import jubilant
import pytest

from lab.testing import charm_files
from tests.acceptance.conftest import WAIT
from tests.integration.cluster import eventually, lxc, members, message, query, small_image, whole
from tests.integration.conftest import APP, Files

CEPH = "ceph-mon"
CHARMS = Path(__file__).parents[1] / "services" / "charms"
DISKS = "quick: {backend: zfs, devices: /dev/vdb}, wide: {backend: lvm, devices: /dev/vdc}"
SHARED = "shared: ceph, files: cephfs"
UNPLUG = (
    # LXD exports its zpool when it ends.
    "set -e; snap stop lxd; if zpool list quick >/dev/null 2>&1; then zpool export quick; fi; "
    "vgchange --quiet --activate n wide; "
    "for disk in vdb vdc; do echo 1 > $(readlink -f /sys/block/$disk/device)/../remove; done; "
    "snap start lxd"
)
PLUG = "echo 1 > /sys/bus/pci/rescan && udevadm settle && snap restart --reload lxd"


@pytest.fixture(scope="module")
def source(juju: jubilant.Juju, deploy: Callable[..., None], files: Files) -> str:
    """An image on two members."""
    juju.model_config({"update-status-hook-interval": "30s"})
    deploy(2, storage_backend="dir", storage_pools=f"{{{DISKS}}}")
    whole(juju, 2, WAIT)
    return small_image(juju, files)


def status_of(juju: jubilant.Juju, name: str) -> tuple[str, str]:
    """A pool's driver and state."""
    rows = query(juju, "/1.0/storage-pools?recursion=1")
    return next(((r["driver"], r["status"]) for r in rows if r["name"] == name), ("", ""))


@pytest.mark.usefixtures("source")
def test_a_machine_without_zfs_is_named_and_does_not_join(juju: jubilant.Juju, files: Files):
    if files.container is None:
        pytest.skip("it needs a machine of another kind: the lab's containers")
    before = members(juju)
    machines = set(juju.status().machines)
    # Without the application's constraints: a container, on a computer whose kernel has no zfs.
    juju.cli("add-machine")
    (machine,) = set(juju.status().machines) - machines
    juju.add_unit(APP, to=machine)

    def names_the_module(status: jubilant.Status) -> bool:
        found = status.apps[APP].units
        joining = next((unit for unit in found if found[unit].machine == machine), "")
        return bool(joining) and "needs module " in message(status, joining)

    juju.wait(names_the_module, delay=1.0, successes=1, timeout=WAIT)
    assert members(juju) == before
    (unit,) = (u for u, found in juju.status().apps[APP].units.items() if found.machine == machine)
    juju.remove_unit(unit)
    whole(juju, 2, WAIT)


def test_rbd_and_cephfs_of_the_kernel(juju: jubilant.Juju, source: str, tmp_path: Path):
    # This unit's machine is a container: an emulated one would take too long.
    juju.deploy(os.fspath(charm_files.pack(CEPH, tmp_path, CHARMS)), CEPH)
    juju.wait(lambda s: jubilant.all_active(s, CEPH), timeout=WAIT)
    juju.integrate(APP, CEPH)
    juju.config(APP, {"storage-pools": f"{{{DISKS}, {SHARED}}}"})
    eventually(lambda: status_of(juju, "shared") == ("ceph", "Created"), WAIT)
    eventually(lambda: status_of(juju, "files") == ("cephfs", "Created"), WAIT)
    whole(juju, 2, WAIT)

    here, there = sorted(members(juju))
    lxc(juju, f"launch -q {source} r0 --storage shared --target {here}")
    lxc(juju, f"launch -q {source} r1 --storage shared --target {there}")
    lxc(juju, "storage volume create files common size=64MiB")
    for name in ("r0", "r1"):
        lxc(juju, f"config device add {name} common disk pool=files source=common path=/common")
    lxc(juju, "exec r0 -- sh -c 'echo data > /common/word'")
    lxc(juju, "storage volume snapshot files common before")
    assert lxc(juju, "exec r1 -- cat /common/word").strip() == "data"

    lxc(juju, "exec r0 -- sh -c 'echo data > /kept; sync'")
    lxc(juju, "stop --force r0")
    lxc(juju, f"move r0 --target {there}")
    lxc(juju, "start r0")

    assert query(juju, "/1.0/instances/r0")["location"] == there
    assert lxc(juju, "exec r0 -- cat /kept").strip() == "data"


@pytest.mark.usefixtures("source")
def test_pools_whose_disks_vanished_are_named_until_they_are_back(juju: jubilant.Juju):
    unit = max(juju.status().apps[APP].units)
    member = max(members(juju))
    for pool in ("quick", "wide"):
        lxc(juju, f"storage volume create {pool} kept --target {member}")

    juju.ssh(unit, f"sudo sh -c '{UNPLUG}'")

    juju.wait(
        lambda s: message(s, unit).startswith("blocked: pool quick is not here"),
        delay=1.0,
        successes=1,
        timeout=WAIT,
    )
    juju.ssh(unit, f"sudo sh -c '{PLUG}'")
    whole(juju, 2, WAIT)
    for pool in ("quick", "wide"):
        found = query(juju, f"/1.0/storage-pools/{pool}/volumes/custom")
        assert [path.partition("?")[0].rpartition("/")[2] for path in found] == ["kept"]
