# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Why an interface of a machine cannot be a network's parent. Each check returns empty if it can.

The kernel and LXD report this late: when an instance starts, or never. A macvlan cannot be opened
while its interface is down. It cannot be made on a port of a bridge, a bond or an Open vSwitch
(they have the interface's only receive handler), and its MTU cannot be larger than its interface's.
An access point takes frames only from its client's MAC.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from values.interface import Interface
from values.status import StatusText
from values.wanted_network import WantedNetwork

OPEN_VSWITCH = "ovs-system"
"""The master of an interface that is in any bridge of Open vSwitch."""
_TUNNELLED = 1400
"""Bytes of a packet on a bridge with tunnels, by default (LXD's documentation)."""
_OVERHEAD = {4: 50, 6: 70}
"""Bytes that VXLAN adds to a packet, by the version of IP that carries it."""


def down(interface: Interface) -> StatusText:
    """It is not set up: MAAS leaves an interface without configuration in this state."""
    return "" if interface.up else "is not up"


def port(interface: Interface) -> StatusText:
    """It is part of a bridge or bond."""
    return f"is a port of {interface.master}" if interface.master else ""


def wireless(interface: Interface) -> StatusText:
    """Its access point accepts only one MAC from it."""
    return "is wireless" if interface.wireless else ""


def narrow(interface: Interface, size: int) -> StatusText:
    """Its MTU is smaller than the needed one. An MTU of 0 is unknown."""
    return f"has an MTU of {interface.mtu}" if 0 < interface.mtu < size else ""


def without_address(interface: Interface, version: int) -> StatusText:
    """It has no address of that version of IP."""
    has = {ipaddress.ip_interface(subnet).version for subnet in interface.subnets}
    return "" if version in has else f"has no IPv{version} address"


def taken_vlan(vlan: int, interface: Interface, here: Iterable[Interface]) -> str:
    """The machine uses the VLAN on an interface itself.

    LXD takes the VLAN's existing interface, whatever its name is (GetHostDevice, 5.0 to 6.9), and
    starts no OVN network on one with an address.
    """
    found = (i for i in here if vlan and i.base == interface.name and i.vlan == vlan)
    own = next(found, None)
    if own is None:
        return ""
    if own.subnets:
        return f"has {own.name} with {own.subnets[0].partition('/')[0]}"
    free = own.master in ("", OPEN_VSWITCH)
    return "" if free else f"has {own.name}, a port of {own.master}"


def of_macvlan(wanted: WantedNetwork, interface: Interface) -> str:
    """Instances would have their own MACs on it. A VLAN has another interface beside the port."""
    problem = "" if wanted.vlan else port(interface)
    return problem or wireless(interface) or down(interface) or narrow(interface, wanted.mtu)


def of_tunnel(wanted: WantedNetwork, interface: Interface, version: int) -> str:
    """Tunnels between the members would use it, in packets of that version of IP."""
    size = (wanted.mtu or _TUNNELLED) + _OVERHEAD[version]
    return down(interface) or without_address(interface, version) or narrow(interface, size)
