# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The walkthrough of docs/tutorial/maas-primer.md: a second disk, a bridge br0, three machines."""

from __future__ import annotations

import shlex

import jubilant
import pytest

from tests.integration.cluster import (
    eventually,
    lxc,
    members,
    query,
    reaches,
    small_image,
    whole,
)
from tests.integration.conftest import APP, WAIT, Files

PREPARE = (
    "truncate -s 2G /var/tmp/second && "
    "ln -s $(losetup --find --show /var/tmp/second) /dev/second && "
    "own=$(ip -o -4 addr show dev eth1 | sed 's/.* inet //; s/ .*//') && "
    "ip link add br0 type bridge && ip link set br0 up && ip addr flush dev eth1 && "
    "ip link set eth1 master br0 && ip addr add $own dev br0"
)
"""What MAAS does to a machine before it deploys it."""


@pytest.fixture(scope="module")
def source(juju: jubilant.Juju, files: Files) -> str:
    """The cluster of the walkthrough, and an image on it."""
    if files.container is None:
        pytest.skip("it makes disks and bridges: on machines of the lab alone")
    juju.cli("add-machine", "-n", "3")
    juju.wait(_started, timeout=WAIT)
    for machine in ("0", "1", "2"):
        # Juju runs it as the user ubuntu.
        juju.exec(f"sudo sh -c {shlex.quote(PREPARE)}", machine=machine)
    juju.deploy(
        files.charm,
        APP,
        num_units=3,
        to=["0", "1", "2"],
        config={
            "storage-backend": "btrfs",
            "storage-devices": "/dev/second",
            "network-mode": "flat",
            "network-parent": "br0",
        },
        resources=files.resources,
    )
    whole(juju, 3)
    return small_image(juju, files)


def _started(status: jubilant.Status) -> bool:
    return [m.juju_status.current for m in status.machines.values()] == ["started"] * 3


def test_containers_are_on_the_machines_own_network(juju: jubilant.Juju, source: str):
    eventually(lambda: "eth0" in query(juju, "/1.0/profiles/default")["devices"], 60)
    own: list[str] = []
    for number, member in enumerate(sorted(members(juju))):
        lxc(juju, f"launch -q {source} c{number} --target {member}")
        own.append(f"10.99.1.{220 + number}")
        lxc(juju, f"exec c{number} -- ip addr add {own[-1]}/24 dev eth0")

    addresses = juju.status().machines["0"].ip_addresses
    machine = next(address for address in addresses if address.startswith("10.99.1."))
    for number in range(3):
        for target in (*own, machine, "10.99.1.254"):
            assert reaches(juju, f"c{number}", target), (number, target)


@pytest.mark.usefixtures("source")
def test_the_pool_is_on_the_second_disks(juju: jubilant.Juju):
    for unit in juju.status().apps[APP].units:
        shown = juju.ssh(unit, "sudo btrfs filesystem show local")
        assert "/dev/loop" in shown
        assert "2.00GiB" in shown
