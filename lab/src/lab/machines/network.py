# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The lab's networks: a bridge of the host for each space, and a pair of NICs in each machine.

A machine's network is its own network namespace. The host's ends of its NICs are ports of the
bridges. The machine gives its own ends their addresses at boot, as a real machine does.
"""

from __future__ import annotations

import ipaddress
import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.machines.locks import locked
from lab.machines.programs import CommandError, run

MODELS = 6
"""The number of models of all labs on a computer. Tests use higher addresses for instances."""
MODEL_NUMBERS = 32
"""The number of machines in a model's lifetime: their numbers are not used again."""
MAX_NUMBER = MODELS * MODEL_NUMBERS - 1
"""The highest number of a machine. Images are built with it."""
HOST_PART = 254
_LOCK = Path("/run/lock/lxd-cluster-lab-network")
"""Held while bridges are made or removed, so that no bridge goes while a machine connects to it."""


@dataclass(frozen=True)
class Network:
    """One of the lab's networks, and the NIC by which every machine is in it."""

    space: str
    bridge: str
    nic: str
    ipv4: str
    ipv6: str

    def addresses(self, host: int) -> tuple[str, str]:
        """The IPv4 and IPv6 address of host number `host`, each with its prefix length."""
        ipv4, ipv6 = ipaddress.ip_network(self.ipv4), ipaddress.ip_network(self.ipv6)
        return f"{ipv4[host]}/{ipv4.prefixlen}", f"{ipv6[host]}/{ipv6.prefixlen}"

    def mac(self, host: int) -> str:
        """The MAC address of host number `host`."""
        return f"02:99:00:00:{NETWORKS.index(self):02x}:{host:02x}"


NETWORKS = (
    Network("alpha", "br-lab0", "eth0", "10.99.0.0/24", "fd99::/64"),
    Network("internal", "br-lab1", "eth1", "10.99.1.0/24", "fd99:1::/64"),
)


@dataclass(frozen=True)
class Interface:
    """A NIC of a machine at boot. Addresses have their prefix length."""

    name: str
    space: str
    mac: str
    addresses: tuple[str, ...]


def hostname(number: int) -> str:
    """The host name of machine `number`; its namespace, cgroups and nspawn name are the same."""
    return f"juju-lab-{number}"


def interfaces(number: int) -> tuple[Interface, ...]:
    """The NICs of machine `number`. Machine 0 has host number 1 in every network."""
    return tuple(
        Interface(
            network.nic,
            network.space,
            network.mac(number + 1),
            network.addresses(number + 1),
        )
        for network in NETWORKS
    )


def boot_commands(number: int) -> str:
    """The input that machine `number` gives `ip -batch` at each boot."""
    lines = ["link set lo up"]
    for nic in interfaces(number):
        lines.append(f"link set {nic.name} up")
        # Without nodad a program cannot bind an IPv6 address in its first second.
        lines += [
            f"addr replace {address} dev {nic.name}{' nodad' if ':' in address else ''}"
            for address in nic.addresses
        ]
    gateways = [address.partition("/")[0] for address in NETWORKS[0].addresses(HOST_PART)]
    lines += [f"route replace default via {gateway} dev {NETWORKS[0].nic}" for gateway in gateways]
    return "\n".join(lines) + "\n"


def hosts_file() -> str:
    """The text of every machine's /etc/hosts: all machines by name, in the first network."""
    lines = ["127.0.0.1 localhost", "::1 localhost ip6-localhost"]
    for number in range(MAX_NUMBER):
        ipv4, ipv6 = interfaces(number)[0].addresses
        lines.append(f"{ipv4.partition('/')[0]} {hostname(number)}")
        lines.append(f"{ipv6.partition('/')[0]} {hostname(number)}")
    return "\n".join(lines) + "\n"


def namespace_path(number: int) -> Path:
    """The path to enter the network namespace of machine `number`."""
    return Path("/run/netns") / hostname(number)


def ensure_bridges() -> None:
    """Make the missing bridges, with the host's own addresses."""
    for network in NETWORKS:
        # Machines that start at the same time race here: the kernel lets one of them win.
        with suppress(CommandError):
            # Without a MAC of its own a bridge takes another one when machines come or go, and an
            # OVN router keeps the old one for good.
            mac = network.mac(HOST_PART)
            run("ip", "link", "add", network.bridge, "address", mac, "type", "bridge")
        for address in network.addresses(HOST_PART):
            nodad = ["nodad"] if ":" in address else []
            run("ip", "addr", "replace", address, "dev", network.bridge, *nodad)
        run("ip", "link", "set", network.bridge, "up")


def remove_bridges() -> None:
    """Remove the bridges without machines."""
    with locked(_LOCK):
        for network in NETWORKS:
            folder = Path("/sys/class/net") / network.bridge
            if folder.exists() and not any((folder / "brif").iterdir()):
                run("ip", "link", "del", network.bridge)


def connect(number: int) -> None:
    """Give machine `number` its namespace and NICs, unless it has them."""
    if namespace_path(number).exists():
        return
    name = hostname(number)
    with locked(_LOCK):
        ensure_bridges()
        run("ip", "netns", "add", name)
        for network, nic in zip(NETWORKS, interfaces(number), strict=True):
            port = _port(number, network.nic)
            peer = ["peer", "name", nic.name, "address", nic.mac, "netns", name]
            run("ip", "link", "add", port, "type", "veth", *peer)
            run("ip", "link", "set", port, "master", network.bridge, "up")


def connect_taps(number: int) -> dict[str, Interface]:
    """Give virtual machine `number` its NICs, unless it has them: by their devices here.

    QEMU is at the other end of them.
    """
    nics = {_port(number, nic.name): nic for nic in interfaces(number)}
    with locked(_LOCK):
        ensure_bridges()
        for network, port in zip(NETWORKS, nics, strict=True):
            if not (Path("/sys/class/net") / port).exists():
                run("ip", "tuntap", "add", "dev", port, "mode", "tap")
                run("ip", "link", "set", port, "master", network.bridge, "up")
    return nics


def disconnect(number: int) -> None:
    """Remove what `connect` or `connect_taps` made, if there is anything."""
    for network in NETWORKS:
        # A namespace that some process still holds would keep its NICs: remove them here.
        with suppress(CommandError):
            run("ip", "link", "del", _port(number, network.nic))
    if namespace_path(number).exists():
        run("ip", "netns", "del", hostname(number))


def set_link(number: int, nic: str, state: str) -> None:
    """Connect ("up") or disconnect ("down") a NIC.

    A container sees that the carrier is gone; a virtual machine only gets no answers.
    """
    run("ip", "link", "set", _port(number, nic), state)


def addresses(number: int) -> dict[str, list[str]]:
    """The current global addresses, with prefix length, of each of the machine's NICs."""
    return parse_addresses(run("ip", "-n", hostname(number), "-json", "addr", "show"))


def parse_addresses(text: str) -> dict[str, list[str]]:
    """The same from the output of `ip -json addr show`."""
    links: list[dict[str, Any]] = json.loads(text)
    nics = {network.nic for network in NETWORKS}
    return {
        link["ifname"]: [
            f"{info['local']}/{info['prefixlen']}"
            for info in link["addr_info"]
            if info["scope"] == "global"
        ]
        for link in links
        if link.get("ifname") in nics
    }


def _port(number: int, nic: str) -> str:
    return f"lab{number}-{nic}"
