# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The pool on block devices with different names on each machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import jubilant
import pytest

from tests.integration.cluster import (
    lxc,
    make_disk,
    make_partition,
    message,
    query,
    removed,
    whole,
)
from tests.integration.conftest import APP, Files

FILE = "/var/snap/lxd/common/lxd/disks/local.img"


@pytest.fixture
def gone(juju: jubilant.Juju) -> Iterator[None]:
    """Nothing is deployed afterwards."""
    yield
    removed(juju)


def says(juju: jubilant.Juju, unit: str, wanted: str) -> None:
    """Returns once the unit's status is that."""
    juju.wait(
        lambda s: unit in s.apps[APP].units and message(s, unit) == wanted, delay=0.5, successes=1
    )


def on_a_device(juju: jubilant.Juju, unit: str) -> bool:
    """Whether LXD made no loop file there, and its pool works."""
    file = juju.ssh(unit, f"sudo sh -c 'test -e {FILE} && echo file || echo none'").strip()
    member = juju.ssh(unit, "hostname").strip().split(".")[0]
    lxc(juju, f"storage volume create local of-{member} --target {member}", unit)
    lxc(juju, f"storage volume delete local of-{member} --target {member}", unit)
    return file == "none"


def wipe(juju: jubilant.Juju, unit: str, device: str, holds: str) -> None:
    """Wipes a device like an operator, after a look at its content."""
    with pytest.raises(jubilant.TaskError) as refused:
        juju.run(unit, "wipe-device", {"device": device})
    said, _, confirm = refused.value.task.message.partition("confirm=")
    assert holds in said
    with pytest.raises(jubilant.TaskError):
        juju.run(unit, "wipe-device", {"device": device, "confirm": "yes"})
    juju.run(unit, "wipe-device", {"device": device, "confirm": confirm.strip()})


@pytest.mark.usefixtures("gone")
def test_each_unit_takes_the_device_that_it_has_and_nothing_is_wiped_unasked(
    juju: jubilant.Juju, deploy: Callable[..., None]
):
    deploy(2, storage_backend="btrfs", storage_devices="/dev/pool-zero")
    first, second = sorted(juju.status().apps[APP].units)
    for unit in (first, second):
        says(juju, unit, "blocked: /dev/pool-zero for the pool local: not on this machine")
    make_disk(juju, first, "pool-one")
    make_disk(juju, second, "pool-two")
    juju.ssh(first, "sudo mkfs.btrfs -q /dev/pool-one")
    make_partition(juju, second, "pool-two")

    juju.config(APP, {"storage-devices": "/dev/pool-one /dev/pool-two"})

    says(juju, first, "blocked: /dev/pool-one holds btrfs: run wipe-device, or name another")
    says(juju, second, "blocked: /dev/pool-two holds PMBR, gpt: run wipe-device, or name another")
    wipe(juju, first, "/dev/pool-one", "btrfs")
    wipe(juju, second, "/dev/pool-two", "p1 1022 MiB btrfs")

    whole(juju, 2)
    assert [on_a_device(juju, unit) for unit in (first, second)] == [True, True]
    with pytest.raises(jubilant.TaskError, match="is mounted: nothing was wiped"):
        juju.run(first, "wipe-device", {"device": "/dev/pool-one"})


@pytest.mark.usefixtures("gone")
def test_the_pool_is_on_the_storage_that_juju_gave(juju: jubilant.Juju, files: Files):
    # Juju does not report a loop device: it has no link in /dev/disk/by-id.
    juju.deploy(
        files.charm,
        APP,
        num_units=2,
        config={"storage-backend": "btrfs"},
        storage={"local": "maas,1G"},
        resources=files.resources,
    )
    whole(juju, 2)

    assert [on_a_device(juju, unit) for unit in juju.status().apps[APP].units] == [True, True]
    pools = query(juju, "/1.0/storage-pools?recursion=1")
    assert [(p["name"], p["driver"], p["status"]) for p in pools] == [("local", "btrfs", "Created")]
