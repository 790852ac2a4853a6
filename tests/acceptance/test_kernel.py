# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""What the kernel of the lab's computer does not have: zfs, lvm and VLANs."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import jubilant
import pytest

from tests.acceptance.conftest import WAIT
from tests.integration.cluster import (
    eventually,
    lxc,
    members,
    message,
    query,
    small_image,
    whole,
)
from tests.integration.conftest import APP, Files

DISK = "disk: {backend: zfs, devices: /dev/vdb}"


@pytest.fixture(scope="module")
def source(juju: jubilant.Juju, deploy: Callable[..., None], files: Files) -> str:
    """An image on three members that have a pool on zfs in a file, and one on a device."""
    deploy(3, storage_backend="zfs", storage_size="2GiB", storage_pools=f"{{{DISK}}}")
    whole(juju, 3, WAIT)
    return small_image(juju, files)


def units(juju: jubilant.Juju) -> list[str]:
    return sorted(juju.status().apps[APP].units)


def pools(juju: jubilant.Juju) -> dict[str, tuple[str, str]]:
    rows = query(juju, "/1.0/storage-pools?recursion=1")
    return {row["name"]: (row["driver"], row["status"]) for row in rows}


def instance(juju: jubilant.Juju, name: str) -> tuple[str, str, str]:
    """An instance's location and pool, and whether it runs."""
    found = query(juju, f"/1.0/instances/{name}")
    return found["location"], found["expanded_devices"]["root"]["pool"], found["status"]


@pytest.mark.usefixtures("source")
def test_lxd_finds_the_kernel_s_drivers_on_every_member(juju: jubilant.Juju):
    for unit in units(juju):
        drivers = query(juju, "/1.0", unit)["environment"]["storage_supported_drivers"]
        assert {"lvm", "zfs"} <= {driver["Name"] for driver in drivers}


@pytest.mark.usefixtures("source")
def test_pools_are_on_zfs_on_every_member(juju: jubilant.Juju):
    assert pools(juju) == {"disk": ("zfs", "Created"), "local": ("zfs", "Created")}
    for unit in units(juju):
        shown = juju.ssh(unit, "sudo zpool list -v -H -P")
        assert "/disks/local.img" in shown
        assert "/dev/vdb" in shown


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


def fixed(juju: jubilant.Juju, network: str, containers: Iterable[str]) -> list[str]:
    """Addresses for containers on a network without DHCP."""
    found: list[str] = []
    for number, container in enumerate(containers, 1):
        found.append(f"{network}.{number}")
        lxc(juju, f"exec {container} -- ip addr add {found[-1]}/24 dev eth0")
    return found


def reaches(juju: jubilant.Juju, container: str, target: str) -> bool:
    said = lxc(juju, f"exec {container} -- sh -c 'ping -c 3 -W 5 {target} || true'")
    return " 0% packet loss" in said


def test_macvlan_on_a_vlan_of_the_kernel(juju: jubilant.Juju, source: str):
    juju.config(
        APP,
        {
            "networks": "{tagged: {mode: macvlan, parent: eth1, vlan: 7}, plain: "
            "{mode: macvlan, parent: eth1}}"
        },
    )
    eventually(lambda: {"tagged", "plain"} <= networks(juju), WAIT)
    whole(juju, 3, WAIT)
    here, there, _ = sorted(members(juju))
    for name, network, member in (
        ("t0", "tagged", here),
        ("t1", "tagged", there),
        ("p0", "plain", there),
    ):
        lxc(juju, f"launch -q {source} {name} --network {network} --target {member}")

    _, tagged, plain = fixed(juju, "10.7.0", ("t0", "t1", "p0"))

    assert reaches(juju, "t0", tagged)
    assert not reaches(juju, "t0", plain)
    assert any("802.1Q id 7" in juju.ssh(unit, "ip -details link show") for unit in units(juju))
    lxc(juju, "delete --force t0 t1 p0")


def networks(juju: jubilant.Juju) -> set[str]:
    """The networks that exist on all members."""
    rows = query(juju, "/1.0/networks?recursion=1")
    return {row["name"] for row in rows if row["managed"] and row["status"] == "Created"}


def nic(juju: jubilant.Juju) -> dict[str, str]:
    return query(juju, "/1.0/profiles/default")["devices"]["eth0"]


def test_a_flat_network_on_a_vlan_of_a_bridge(juju: jubilant.Juju, source: str):
    filters, *others = units(juju)
    made = "ip link add br0 type bridge && ip link set br0 up && ip link set eth1 master br0"
    for unit in (filters, *others):
        juju.ssh(unit, f"sudo sh -c '{made}'")
    juju.config(APP, {"network-mode": "flat", "network-parent": "br0", "network-vlan": 8})
    status = "blocked: br0 has vlan_filtering off: name another for lxdbr0"
    juju.wait(
        lambda s: {message(s, unit) for unit in (filters, *others)} == {status},
        delay=1.0,
        successes=1,
        timeout=WAIT,
    )

    lets = "ip link set br0 type bridge vlan_filtering 1 && bridge vlan add dev eth1 vid 8"
    for unit in (filters, *others):
        juju.ssh(unit, f"sudo sh -c '{lets}'")
    eventually(lambda: nic(juju).get("vlan") == "8", WAIT)
    whole(juju, 3, WAIT)

    here, there, _ = sorted(members(juju))
    lxc(juju, f"launch -q {source} f0 --target {here}")
    lxc(juju, f"launch -q {source} f1 --target {there}")
    _, target = fixed(juju, "10.8.0", ("f0", "f1"))
    assert reaches(juju, "f0", target)
    lxc(juju, "config device add f1 eth0 nic nictype=bridged parent=br0 vlan=9")
    lxc(juju, f"exec f1 -- ip addr add {target}/24 dev eth0")
    assert not reaches(juju, "f0", target)
    lxc(juju, "delete --force f0 f1")
    # The later machine has no such bridge.
    juju.config(APP, reset=["network-mode", "network-parent", "network-vlan"])
    eventually(lambda: nic(juju).get("network") == "lxdbr0", WAIT)


def test_the_default_pool_changes_to_lvm_while_containers_run(juju: jubilant.Juju, source: str):
    more = f"{{{DISK}, volumes: {{backend: lvm, devices: /dev/vdc}}}}"
    juju.config(APP, {"storage-backend": "lvm", "storage-pools": more})

    made = ("lvm", "Created")
    eventually(lambda: [pools(juju).get(p) for p in ("local-lvm", "volumes")] == [made] * 2, WAIT)
    whole(juju, 3, WAIT)
    for unit in units(juju):
        groups = juju.ssh(unit, "sudo pvs --noheadings --options vg_name,pv_name")
        assert {"local-lvm", "volumes"} <= set(groups.split())
        assert "/dev/vdc" in groups
    member = sorted(members(juju))[2]
    lxc(juju, f"launch -q {source} new --target {member}")
    assert instance(juju, "new") == (member, "local-lvm", "Running")
    assert instance(juju, "c2") == (member, "local", "Running")


@pytest.mark.usefixtures("source")
def test_a_unit_that_joins_has_all_pools_and_networks(juju: jubilant.Juju):
    juju.add_unit(APP)
    rows = whole(juju, 4, WAIT)

    for name in pools(juju):
        assert sorted(query(juju, f"/1.0/storage-pools/{name}")["locations"]) == sorted(rows)
    for name in ("plain", "tagged"):
        assert sorted(query(juju, f"/1.0/networks/{name}")["locations"]) == sorted(rows)
