# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Networks of a real OVN, on Open vSwitch's data path that needs no kernel module."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import jubilant
import pytest

from lab.testing import charm_files
from tests.integration.cluster import (
    address,
    eventually,
    lxc,
    members,
    message,
    query,
    small_image,
    whole,
)
from tests.integration.conftest import APP, WAIT, Files

CHARMS = Path(__file__).parent / "charms"
CENTRAL = "ovn-central"
OUT = "10.99.1.254"

# The tunnels' address and the uplink are on an Open vSwitch bridge of that data path.
CHASSIS = (
    "systemctl start openvswitch-switch && "
    "own=$(ip -o -4 addr show dev eth1 | sed 's/.* inet //; s/ .*//') && "
    "ovs-vsctl add-br br-phy -- set bridge br-phy datapath_type=netdev -- add-port br-phy eth1 && "
    "ip addr flush dev eth1 && ip addr add $own dev br-phy && ip link set br-phy up && "
    "ovs-vsctl set open_vswitch . external_ids:system-id=$(hostname) "
    "external_ids:ovn-remote=tcp:{central}:6642 external_ids:ovn-encap-type=geneve "
    "external_ids:ovn-encap-ip=${{own%/*}} external_ids:ovn-bridge-datapath-type=netdev && "
    "systemctl start ovn-host"
)
UPLINK = (
    "{up: {mode: physical, parent: br-phy, gateway: 10.99.1.254/24, "
    "ranges: 10.99.1.100-10.99.1.150, dns: 10.99.1.254}}"
)


@pytest.fixture(scope="module")
def source(
    juju: jubilant.Juju,
    deploy: Callable[..., None],
    files: Files,
    tmp_path_factory: pytest.TempPathFactory,
) -> str:
    """An image on three members, with OVN's databases on another machine."""
    if files.container is None:
        pytest.skip("it rebuilds the machines' network: on machines of the lab alone")
    juju.model_config({"update-status-hook-interval": "10s"})
    deploy(3, storage_backend="dir")
    charm = charm_files.pack(CENTRAL, tmp_path_factory.mktemp("charms"), CHARMS)
    juju.deploy(os.fspath(charm), CENTRAL)
    juju.wait(lambda s: jubilant.all_active(s, CENTRAL), timeout=WAIT)
    whole(juju, 3)
    return small_image(juju, files)


def nic(juju: jubilant.Juju) -> str:
    return query(juju, "/1.0/profiles/default")["devices"].get("eth0", {}).get("network", "")


def central(juju: jubilant.Juju) -> str:
    (unit,) = juju.status().apps[CENTRAL].units.values()
    return unit.public_address


def reaches(juju: jubilant.Juju, container: str, target: str) -> bool:
    said = lxc(juju, f"exec {container} -- sh -c 'ping -c 3 -W 2 {target} || true'")
    # The first packet may be lost while OVN learns where its target is.
    return any(f" {lost}% packet loss" in said for lost in (0, 33))


def launch(juju: jubilant.Juju, source: str, name: str) -> list[str]:
    made: list[str] = []
    for number, member in enumerate(sorted(members(juju))):
        lxc(juju, f"launch -q {source} {name}{number} --target {member}")
        made.append(f"{name}{number}")
    eventually(lambda: all(address(juju, one) for one in made), 90)
    return made


def test_each_unit_says_what_its_machine_lacks(juju: jubilant.Juju, source: str):
    asked = {"network-mode": "ovn", "network-name": "ovn0", "networks": UPLINK}
    juju.config(APP, {**asked, "ovn-uplink": "up", "ovn-northbound": f"tcp:{central(juju)}:16641"})

    reason = "Open vSwitch does not answer here: systemctl start openvswitch-switch"
    juju.wait(
        lambda s: any(message(s, unit) == f"blocked: {reason}" for unit in s.apps[APP].units),
        delay=0.5,
        successes=1,
    )

    assert nic(juju) == "lxdbr0"


def test_containers_on_three_members_meet_and_reach_the_world(juju: jubilant.Juju, source: str):
    (old,) = launch(juju, source, "old")[:1]
    lxc(juju, f"exec {old} -- sh -c 'ping -i 0.2 -w 60 10.99.0.254 > /log 2>&1 &'")
    # Before the network is made: LXD 5.0.2 never removes a gateway.
    gateway = sorted(members(juju))[1]
    juju.config(APP, {"ovn-gateways": gateway})
    for unit in juju.status().apps[APP].units:
        juju.exec(CHASSIS.format(central=central(juju)), unit=unit)

    eventually(lambda: nic(juju) == "ovn0", 180)
    whole(juju, 3)
    made = launch(juju, source, "o")

    assert reaches(juju, made[0], address(juju, made[1]))
    assert reaches(juju, made[2], address(juju, made[0]))
    assert reaches(juju, made[1], OUT)
    assert gateways(juju) == {gateway}
    eventually(lambda: "packets transmitted" in lxc(juju, f"exec {old} -- cat /log"), 90)
    assert " 0% packet loss" in lxc(juju, f"exec {old} -- cat /log")


def gateways(juju: jubilant.Juju) -> set[str]:
    """The chassis that OVN uses as gateways."""
    ask = "ovn-nbctl --bare --columns=chassis_name list ha_chassis"
    return set(juju.ssh(f"{CENTRAL}/leader", f"sudo {ask}").split())


@pytest.mark.usefixtures("source")
def test_more_members_become_gateways(juju: jubilant.Juju):
    juju.config(APP, {"ovn-gateways": "*"})

    eventually(lambda: gateways(juju) == set(members(juju)), 90)
    whole(juju, 3)


def test_the_database_is_opened_with_certificates(juju: jubilant.Juju, source: str):
    juju.config(APP, reset="ovn-northbound")
    juju.integrate(f"{APP}:ovsdb-cms", f"{CENTRAL}:ovsdb-cms")
    juju.integrate(f"{APP}:certificates", f"{CENTRAL}:certificates")

    def connection() -> str:
        return query(juju, "/1.0")["config"].get("network.ovn.northbound_connection", "")

    eventually(lambda: connection() == f"ssl:{central(juju)}:6641", 120)
    whole(juju, 3)
    made = launch(juju, source, "t")
    assert reaches(juju, made[0], address(juju, made[2]))


def test_a_unit_joins_once_its_machine_is_a_chassis(juju: jubilant.Juju, source: str):
    before = set(juju.status().apps[APP].units)
    juju.add_unit(APP)
    status = "blocked: Open vSwitch does not answer here: systemctl start openvswitch-switch"
    juju.wait(
        lambda s: status in {message(s, u) for u in set(s.apps[APP].units) - before},
        delay=0.5,
        successes=1,
    )
    (unit,) = set(juju.status().apps[APP].units) - before

    juju.exec(CHASSIS.format(central=central(juju)), unit=unit)

    rows = whole(juju, 4)
    lxc(juju, f"launch -q {source} j0 --target {max(rows)}")
    eventually(lambda: bool(address(juju, "j0")), 90)
    assert reaches(juju, "j0", address(juju, "t0"))
    assert reaches(juju, "j0", OUT)


def test_a_vlan_on_a_bridge_of_open_vswitch(juju: jubilant.Juju, source: str):
    asked = {"network-mode": "flat", "network-parent": "br-phy", "network-vlan": 7}
    juju.config(APP, asked)
    eventually(lambda: query(juju, "/1.0/profiles/default")["devices"]["eth0"].get("vlan") == "7")
    whole(juju, 4)
    names = sorted(members(juju))[:2]
    for number, member in enumerate(names):
        lxc(juju, f"launch -q {source} w{number} --target {member}")
        lxc(juju, f"exec w{number} -- ip addr add 192.0.2.{number + 1}/24 dev eth0")

    assert reaches(juju, "w0", "192.0.2.2")
    lxc(juju, "exec w1 -- ip addr add 10.99.1.222/24 dev eth0")
    assert not reaches(juju, "w1", OUT)
