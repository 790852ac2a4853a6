# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Networks of a running cluster, with containers on its members that reach each other."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable

import jubilant
import pytest

from tests.integration.cluster import (
    address,
    eventually,
    hostname,
    lxc,
    members,
    message,
    query,
    reaches,
    small_image,
    whole,
)
from tests.integration.conftest import APP, Files

OUT = "10.99.0.254"
"""An address outside, reached through the machines' default gateway."""
BESIDE = "10.99.1.254"
"""The same in the network of the machines' second card."""


@pytest.fixture(scope="module")
def source(juju: jubilant.Juju, deploy: Callable[..., None], files: Files) -> str:
    """An image on three members whose second cards have two different names."""
    if files.container is None:
        pytest.skip("it renames cards and makes bridges: on machines of the lab alone")
    juju.model_config({"update-status-hook-interval": "10s"})
    deploy(3, storage_backend="dir")
    whole(juju, 3)
    on(
        juju,
        units(juju)[1],
        "ip link set eth1 down; ip link set eth1 name ens9; ip link set ens9 up",
    )
    return small_image(juju, files)


def units(juju: jubilant.Juju) -> list[str]:
    return sorted(juju.status().apps[APP].units)


def on(juju: jubilant.Juju, unit: str, command: str) -> str:
    return juju.ssh(unit, f"sudo sh -c '{command}'")


def nic(juju: jubilant.Juju) -> dict[str, str]:
    found = query(juju, "/1.0/profiles/default")["devices"].get("eth0", {})
    return {k: v for k, v in found.items() if k in ("network", "nictype", "parent")}


def launch(juju: jubilant.Juju, source: str, name: str, *wanted: str) -> list[str]:
    """A container called NAME and a number on each of these members, or on all."""
    made: list[str] = []
    for number, member in enumerate(wanted or sorted(members(juju))):
        lxc(juju, f"launch -q {source} {name}{number} --target {member}")
        made.append(f"{name}{number}")
    return made


def gone(juju: jubilant.Juju, *containers: str) -> None:
    lxc(juju, f"delete --force {' '.join(containers)}")


def given(juju: jubilant.Juju, containers: list[str]) -> list[str]:
    """Their addresses, once each has one."""
    eventually(lambda: all(address(juju, name) for name in containers), 60)
    return [address(juju, name) for name in containers]


def fixed(juju: jubilant.Juju, containers: list[str]) -> list[str]:
    """Addresses of the machines' second network, which has no DHCP."""
    found = [f"10.99.1.{200 + number}" for number in range(len(containers))]
    for container, own in zip(containers, found, strict=True):
        lxc(juju, f"exec {container} -- ip addr add {own}/24 dev eth0")
    return found


def test_containers_on_a_bridge_reach_the_world(juju: jubilant.Juju, source: str):
    (container,) = launch(juju, source, "b", min(members(juju)))

    given(juju, [container])

    assert reaches(juju, container, OUT)
    gone(juju, container)


def test_macvlan_is_on_an_interface_of_another_name_on_each_machine(
    juju: jubilant.Juju, source: str
):
    asked = {"network-mode": "macvlan", "network-name": "lan0", "network-parent": "eth1 ens*"}
    juju.config(APP, asked)
    eventually(lambda: nic(juju) == {"network": "lan0"}, 90)
    whole(juju, 3)

    made = launch(juju, source, "m")
    own = fixed(juju, made)

    assert reaches(juju, made[0], own[1])
    assert reaches(juju, made[1], own[2])
    assert reaches(juju, made[1], BESIDE)
    gone(juju, *made)


def parents(juju: jubilant.Juju, network: str) -> list[str]:
    paths = [f"/1.0/networks/{network}?target={member}" for member in sorted(members(juju))]
    return [query(juju, path)["config"]["parent"] for path in paths]


def test_a_network_goes_to_another_interface_once_nobody_is_on_it(juju: jubilant.Juju, source: str):
    juju.config(APP, {"network-parent": "eth0"})
    eventually(lambda: parents(juju, "lan0") == ["eth0"] * 3, 90)
    (container,) = launch(juju, source, "p", min(members(juju)))

    juju.config(APP, {"network-parent": "eth1 ens*"})

    status = "blocked: network lan0: parent cuts off 1 instance; set network-disruptive=true"
    juju.wait(
        lambda s: any(message(s, unit) == status for unit in s.apps[APP].units),
        delay=0.5,
        successes=1,
    )
    assert parents(juju, "lan0") == ["eth0"] * 3
    gone(juju, container)
    renamed = hostname(juju, units(juju)[1])
    cards = ["ens9" if member == renamed else "eth1" for member in sorted(members(juju))]
    eventually(lambda: parents(juju, "lan0") == cards, 90)
    whole(juju, 3)


def test_a_unit_without_the_interface_is_named_and_nothing_changes(
    juju: jubilant.Juju, source: str
):
    juju.config(APP, {"networks": "{other: {mode: macvlan, parent: eth1}}"})

    lacking = units(juju)[1]
    expected = "blocked: networks: parent=eth1: not on this machine"
    juju.wait(lambda s: message(s, lacking) == expected, delay=0.5, successes=1)

    assert all(n["name"] != "other" for n in query(juju, "/1.0/networks?recursion=1"))
    juju.config(APP, {"networks": ""})
    whole(juju, 3)


def test_a_flat_network_waits_for_the_bridge(juju: jubilant.Juju, source: str):
    juju.config(APP, {"network-mode": "flat", "network-parent": "br0"})
    status = "blocked: network-parent=br0: not on this machine"
    juju.wait(
        lambda s: {message(s, unit) for unit in units(juju)[1:]} == {status}, delay=0.5, successes=1
    )
    assert nic(juju) == {"network": "lan0"}

    for unit in units(juju):
        card = "ens9" if unit == units(juju)[1] else "eth1"
        # Its address moves, too: Juju may use it.
        own = f'$(ip -o -4 addr show dev {card} | tr -s " " | cut -d" " -f4 | head -n 1)'
        bridge = "ip link add br0 type bridge; ip link set br0 up"
        moved = f"own={own}; ip addr flush dev {card}; ip link set {card} master br0"
        on(juju, unit, f"{bridge}; {moved}; ip addr add $own dev br0")

    eventually(lambda: nic(juju) == {"nictype": "bridged", "parent": "br0"}, 90)
    whole(juju, 3)
    made = launch(juju, source, "f")
    own = fixed(juju, made)
    assert reaches(juju, made[0], own[2])
    assert reaches(juju, made[2], BESIDE)
    gone(juju, *made)


def test_a_subnet_that_a_machine_is_in_is_refused(juju: jubilant.Juju, source: str):
    juju.config(APP, {"network-mode": "bridge", "network-ipv4": "10.99.0.1/16"})

    expected = "blocked: network-ipv4=10.99.0.0/16 overlaps 10.99.0.0/24 of eth0"
    juju.wait(lambda s: message(s, units(juju)[1]) == expected, delay=0.5, successes=1)
    assert nic(juju) == {"nictype": "bridged", "parent": "br0"}
    juju.config(APP, reset=["network-ipv4", "network-name", "network-parent"])
    eventually(lambda: nic(juju) == {"network": "lxdbr0"}, 90)
    whole(juju, 3)


def test_a_switch_to_vxlan_cuts_nobody_off(juju: jubilant.Juju, source: str):
    (old,) = launch(juju, source, "old", min(members(juju)))
    given(juju, [old])
    lxc(juju, f"exec {old} -- sh -c 'ping -i 0.2 -w 60 {OUT} > /log 2>&1 &'")

    juju.config(APP, {"network-mode": "vxlan"})
    eventually(lambda: nic(juju) == {"network": "lxdbr0vxlan"}, 120)
    whole(juju, 3)

    made = launch(juju, source, "v")
    own = given(juju, made)
    assert len(set(own)) == 3
    assert reaches(juju, made[0], own[1])
    assert reaches(juju, made[1], own[2])
    assert reaches(juju, made[2], OUT)
    eventually(lambda: "packets transmitted" in lxc(juju, f"exec {old} -- cat /log"), 90)
    assert " 0% packet loss" in lxc(juju, f"exec {old} -- cat /log")
    gone(juju, old)


def test_addresses_never_meet_while_members_come_and_go(juju: jubilant.Juju, source: str):
    before = {name: address(juju, name) for name in ("v0", "v1", "v2")}
    older = set(members(juju))
    juju.add_unit(APP)
    (newest,) = set(whole(juju, 4)) - older

    made = launch(juju, source, "n", *[newest] * 3)
    own = given(juju, made)

    assert reaches(juju, made[0], before["v0"])
    assert len({*own, *before.values()}) == 6
    shares = [int(ipaddress.ip_address(a)) >> 8 for a in (*before.values(), own[0])]
    assert len(set(shares)) == 4
    leaving = next(u for u in units(juju) if hostname(juju, u) == newest)
    juju.remove_unit(leaving)
    whole(juju, 3)
    moved = given(juju, made)
    assert len({*moved, *before.values()}) == 6
    assert reaches(juju, made[0], before["v1"])
    gone(juju, *made)


def test_members_find_each_other_without_multicast(juju: jubilant.Juju, source: str):
    juju.config(APP, {"vxlan-group": "none"})

    def floods_to_addresses(unit: str) -> bool:
        shown = on(juju, unit, "bridge fdb show dev lxdbr0vxlan-lxd")
        flooded = [line for line in shown.splitlines() if line.startswith("00:00:00:00:00:00")]
        return len(flooded) == 2 and not any("239." in line for line in flooded)

    network = "/1.0/networks/lxdbr0vxlan"
    eventually(lambda: query(juju, network)["config"].get("tunnel.lxd.ttl") == "64", 90)
    eventually(lambda: all(floods_to_addresses(unit) for unit in units(juju)), 90)
    target = address(juju, "v2")
    assert reaches(juju, "v0", target)
    on(juju, units(juju)[0], "snap restart --reload lxd")
    eventually(lambda: all(floods_to_addresses(unit) for unit in units(juju)), 60)
    eventually(lambda: reaches(juju, "v0", target), 60)


def test_a_firewall_lets_an_overlay_through_with_the_documented_ports(
    juju: jubilant.Juju, source: str
):
    unit = units(juju)[0]
    chain = "inet firewall input"
    rules = ["ct state established,related accept", "iif lo accept", "tcp dport 8443 accept"]
    on(juju, unit, "nft add table inet firewall")
    on(juju, unit, f'nft add chain {chain} "{{ type filter hook input priority 0; policy drop; }}"')
    for rule in rules:
        on(juju, unit, f"nft add rule {chain} {rule}")
    (made,) = launch(juju, source, "fw", hostname(juju, unit))
    time.sleep(5)
    assert not address(juju, made)

    on(juju, unit, f"nft add rule {chain} iifname lxdbr0vxlan udp dport 67 accept")
    (own,) = given(juju, [made])
    other = next(f"v{n}" for n, m in enumerate(sorted(members(juju))) if m != hostname(juju, unit))
    assert not reaches(juju, other, own)
    on(juju, unit, f"nft add rule {chain} udp dport 8472 accept")
    eventually(lambda: reaches(juju, other, own), 30)

    on(juju, unit, "nft flush ruleset")
    table = "nft list table bridge lxd_cluster_lxdbr0vxlan"
    eventually(lambda: "drop" in on(juju, unit, f"{table} || true"), 60)
    whole(juju, 3)
    gone(juju, made)


def test_a_fan_is_refused_where_the_machines_cannot(juju: jubilant.Juju, source: str):
    if "fan-map" in on(juju, units(juju)[0], "ip link help vxlan 2>&1 || true"):
        pytest.skip("these machines can")

    juju.config(APP, {"networks": "fan0: fan"})

    expected = "blocked: fan: ip(8) here does not know fan-map: use machines with Ubuntu"
    juju.wait(lambda s: message(s, units(juju)[1]) == expected, delay=0.5, successes=1)
    assert all(n["name"] != "fan0" for n in query(juju, "/1.0/networks?recursion=1"))


def test_a_network_that_was_deleted_by_hand_is_made_again(juju: jubilant.Juju, source: str):
    gone(juju, "v0", "v1", "v2")
    juju.config(APP, {"networks": "more: {mode: bridge, nat: false}"})
    eventually(lambda: any(n["name"] == "more" for n in query(juju, "/1.0/networks?recursion=1")))
    whole(juju, 3)

    lxc(juju, "network delete more")

    eventually(
        lambda: any(n["name"] == "more" for n in query(juju, "/1.0/networks?recursion=1")), 90
    )
