# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""ip(8)'s output about a machine's interfaces, as values."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from host import interfaces
from tests.unit.scenarios import BR0
from values.interface import Interface


def address(local: str, prefix: int, **flags: bool) -> dict[str, Any]:
    """An address in ip(8)'s format."""
    return {"scope": "global", "local": local, "prefixlen": prefix, **flags}


def link(name: str, kind: str = "", master: str = "", *addresses: dict[str, Any]) -> dict[str, Any]:
    """A link in the format of `ip -details -json address show`."""
    row: dict[str, Any] = {"ifname": name, "addr_info": list(addresses)}
    if kind:
        row["linkinfo"] = {"info_kind": kind}
    return row | ({"master": master} if master else {})


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Interfaces of a machine with these links, where LXD made lxdbr0."""

    def found(
        *links: dict[str, Any], routes: Sequence[dict[str, Any]] = ()
    ) -> dict[str, Interface]:
        def run(*command: str) -> str:
            if "address" in command:
                return json.dumps(links)
            return json.dumps(routes if "-4" in command else [])

        (tmp_path / "networks/lxdbr0").mkdir(parents=True, exist_ok=True)
        monkeypatch.setattr(interfaces, "run", run)
        monkeypatch.setattr(interfaces, "_ovs_bridges", frozenset)
        return {interface.name: interface for interface in interfaces.read(tmp_path)}

    return found


def test_lxds_bridges_and_what_it_made_beside_them_are_known(machine: Any):
    found = machine(
        link("eth0"),
        link("lxdbr0", "bridge"),
        link("lxdbr0-lxd", "vxlan", "lxdbr0"),
        link("lxdbr0-mtu", "dummy", "lxdbr0"),
        link("br0", "bridge"),
        link("br0-lxd", "vxlan"),
        link("lxdbr0-5", "vlan"),
    )

    assert {name for name, i in found.items() if i.made_by_lxd} == {
        "lxdbr0",
        "lxdbr0-lxd",
        "lxdbr0-mtu",
    }


@pytest.mark.parametrize(
    ("ports", "default", "inner"),
    [
        ([], "", True),
        ([link("vethc1", "veth", "br0")], "", True),
        ([link("vnet3", "tun", "br0")], "", True),
        ([link("eth0", "", "br0")], "", False),
        ([link("bond0.7", "vlan", "br0")], "", False),
        ([link("bond0", "bond", "br0"), link("vethc1", "veth", "br0")], "", False),
        # In a container every card is a veth.
        ([link("eth0", "veth", "br0")], "br0", False),
    ],
)
def test_a_bridge_that_leads_nowhere_is_known(
    machine: Any, ports: list[dict[str, Any]], default: str, inner: bool
):
    routes = [{"dst": "default", "gateway": "10.0.0.254", "dev": default}] if default else []

    assert machine(link("br0", "bridge"), *ports, routes=routes)["br0"].inner is inner


def test_an_interface_that_is_not_a_bridge_leads_somewhere(machine: Any):
    assert not machine(link("eth0", "veth"))["eth0"].inner


ETH0 = link("eth0", "", "", address("192.0.2.5", 24))
ETH1 = link("eth1", "", "", address("198.51.100.5", 24))
HOPS = [{"gateway": "192.0.2.1", "dev": "eth0"}, {"gateway": "198.51.100.1", "dev": "eth1"}]


def test_a_route_over_several_interfaces_is_one_of_each(machine: Any):
    found = machine(ETH0, ETH1, routes=[{"dst": "10.50.0.0/16", "nexthops": HOPS}])

    assert found["eth0"].routes == found["eth1"].routes == ("10.50.0.0/16",)


def test_a_default_route_over_several_interfaces_is_one_of_each(machine: Any):
    found = machine(ETH0, ETH1, routes=[{"dst": "default", "nexthops": HOPS}])

    assert 4 in found["eth0"].defaults & found["eth1"].defaults
    assert found["eth1"].routers == ("198.51.100.1/24",)


@pytest.mark.parametrize("links", [[ETH0], [link("lo"), ETH0]], ids=["without lo", "with lo"])
@pytest.mark.parametrize("kind", ["blackhole", "prohibit", "unreachable"])
def test_a_route_to_nowhere_takes_its_subnet(machine: Any, kind: str, links: list[dict[str, Any]]):
    found = machine(*links, routes=[{"type": kind, "dst": "10.50.0.0/16"}])

    assert found["lo"].routes == ("10.50.0.0/16",)
    assert found["eth0"].routes == ()


def test_a_default_route_to_nowhere_is_none(machine: Any):
    """The kernel has one for IPv6 on a machine without a router."""
    found = machine(
        link("lo"), ETH0, routes=[{"type": "unreachable", "dst": "default", "dev": "lo"}]
    )

    assert not any(interface.defaults for interface in found.values())


def test_second_addresses_of_a_subnet_are_known(machine: Any):
    card = link(
        "eth0",
        "",
        "",
        address("10.0.0.9", 24),
        address("10.0.0.1", 24, secondary=True),
        address("fd00::9", 64),
        address("fd00::abcd", 64, temporary=True),
    )

    assert machine(card)["eth0"].secondary == {"10.0.0.1", "fd00::abcd"}


def test_an_ip_that_fails_fails_no_hook(monkeypatch: pytest.MonkeyPatch):
    def fails(*command: str) -> str:
        raise subprocess.CalledProcessError(1, command)

    monkeypatch.setattr(interfaces, "run", fails)

    assert interfaces.read() == ()


@pytest.mark.parametrize(("filtering", "apart"), [(0, False), (1, True)])
def test_a_bridge_says_whether_it_keeps_vlans_apart(
    monkeypatch: pytest.MonkeyPatch, filtering: int, apart: bool
):
    link_info = {"info_kind": "bridge", "info_data": {"vlan_filtering": filtering}}

    def run(*command: str) -> str:
        del command
        return json.dumps([{"ifname": "br0", "linkinfo": link_info}])

    monkeypatch.setattr(interfaces, "run", run)
    monkeypatch.setattr(interfaces, "_ovs_bridges", frozenset)

    assert interfaces.read() == (replace(BR0, vlans=apart, inner=True),)


def test_a_resolv_conf_in_any_encoding_is_read(
    machine: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    conf = tmp_path / "resolv.conf"
    conf.write_bytes("# généré\nnameserver 10.0.0.2\n".encode("latin-1"))
    monkeypatch.setattr(interfaces, "_RESOLVERS", (conf,))
    route = {"dst": "default", "gateway": "10.0.0.254", "dev": "eth0"}

    found = machine(link("eth0", "", "", address("10.0.0.1", 24)), routes=[route])

    assert found["eth0"].resolvers == ("10.0.0.2",)


def test_a_vlan_is_known_by_its_number_whatever_its_name_is(machine: Any):
    info = {"info_kind": "vlan", "info_data": {"protocol": "802.1Q", "id": 7}}
    found = machine(link("eth0"), {**link("office"), "link": "eth0", "linkinfo": info})

    assert (found["office"].base, found["office"].vlan) == ("eth0", 7)
    assert found["eth0"].vlan == 0


def test_a_bridge_that_somebody_deleted_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """LXD keeps the folder of a network on a bridge until it deletes the network."""
    for folder in ("networks/br0", "networks/br1", "net/br1", "net/eth0"):
        (tmp_path / folder).mkdir(parents=True)
    monkeypatch.setattr(interfaces, "_SYSFS", tmp_path / "net")

    assert interfaces.missing_bridges(tmp_path) == {"br0"}
    assert interfaces.missing_bridges(tmp_path / "no-lxd") == frozenset()
