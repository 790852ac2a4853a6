"""Pools on zfs and lvm, and VLANs: what the kernel of the lab's computer lacks."""

from __future__ import annotations

from collections.abc import Callable

import jubilant
import pytest

from tests.acceptance.conftest import WAIT
from tests.integration.cluster import (
    eventually,
    lxc,
    members,
    query,
    small_image,
    whole,
)
from tests.integration.conftest import APP, Files


@pytest.fixture(scope="module")
def source(juju: jubilant.Juju, deploy: Callable[..., None], files: Files) -> str:
    """An image on three members that have their pool on zfs."""
    deploy(3, storage_backend="zfs", storage_size="2GiB")
    whole(juju, 3, WAIT)
    return small_image(juju, files)


def units(juju: jubilant.Juju) -> list[str]:
    return sorted(juju.status().apps[APP].units)


def pools(juju: jubilant.Juju) -> dict[str, tuple[str, str]]:
    rows = query(juju, "/1.0/storage-pools?recursion=1")
    return {row["name"]: (row["driver"], row["status"]) for row in rows}


def instance(juju: jubilant.Juju, name: str) -> tuple[str, str, str]:
    """Where an instance is, on which pool, and whether it runs."""
    found = query(juju, f"/1.0/instances/{name}")
    return found["location"], found["expanded_devices"]["root"]["pool"], found["status"]


@pytest.mark.usefixtures("source")
def test_lxd_finds_zfs_and_lvm_on_every_member(juju: jubilant.Juju):
    for unit in units(juju):
        drivers = query(juju, "/1.0", unit)["environment"]["storage_supported_drivers"]
        assert {"lvm", "zfs"} <= {driver["Name"] for driver in drivers}


@pytest.mark.usefixtures("source")
def test_the_default_pool_is_on_zfs_on_every_member(juju: jubilant.Juju):
    assert pools(juju) == {"local": ("zfs", "Created")}
    for unit in units(juju):
        assert "local" in juju.ssh(unit, "sudo zpool list -H -o name,health")


def test_a_container_runs_on_each_member_and_one_moves(juju: jubilant.Juju, source: str):
    first, second, third = sorted(members(juju))
    for number, member in enumerate((first, second, third)):
        lxc(juju, f"launch -q {source} c{number} --target {member}")
        assert instance(juju, f"c{number}") == (member, "local", "Running")

    lxc(juju, "stop --force c0")
    lxc(juju, f"move c0 --target {second}")
    lxc(juju, "start c0")

    assert instance(juju, "c0") == (second, "local", "Running")
    assert "up" in lxc(juju, "exec c0 -- sh -c 'ls /bin/sh && echo up'")


@pytest.mark.usefixtures("source")
def test_vlans_of_the_kernel(juju: jubilant.Juju):
    unit = units(juju)[0]
    juju.ssh(unit, "sudo ip link add link eth1 name eth1.7 type vlan id 7")
    try:
        assert "802.1Q id 7" in juju.ssh(unit, "ip -details link show eth1.7")
    finally:
        juju.ssh(unit, "sudo ip link delete eth1.7")


def test_the_default_pool_changes_to_lvm_while_containers_run(juju: jubilant.Juju, source: str):
    juju.config(APP, {"storage-backend": "lvm"})

    eventually(lambda: pools(juju).get("local-lvm") == ("lvm", "Created"), WAIT)
    whole(juju, 3, WAIT)
    for unit in units(juju):
        assert "local-lvm" in juju.ssh(unit, "sudo vgs --noheadings --options vg_name")
    member = sorted(members(juju))[2]
    lxc(juju, f"launch -q {source} new --target {member}")
    assert instance(juju, "new") == (member, "local-lvm", "Running")
    assert instance(juju, "c2") == (member, "local", "Running")


@pytest.mark.usefixtures("source")
def test_a_unit_that_joins_has_both_pools(juju: jubilant.Juju):
    juju.add_unit(APP)
    rows = whole(juju, 4, WAIT)

    for name in ("local", "local-lvm"):
        assert sorted(query(juju, f"/1.0/storage-pools/{name}")["locations"]) == sorted(rows)
