# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Nics of instances that are on an interface of the machine, without a network of LXD.

LXD does not look at them when a network takes the interface.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import modes
from state.cluster import ClusterView
from state.lxd_objects import Instance
from steps.networks import SetOwnParent
from values.interface import Interface
from values.status import Status, blocked
from values.wanted_network import WantedNetwork

_ON_INTERFACE = frozenset({"macvlan", "ipvlan", "physical"})
"""Types of nics that the kernel refuses on a port of Open vSwitch, or that take the interface. With
a VLAN they are on the VLAN's own interface.
"""


def of_instances(instances: Iterable[Instance]) -> dict[tuple[str, str], str]:
    """By member and interface: an instance with such a nic."""
    return {
        (instance.location, device.get("parent", "")): str(instance)
        for instance in instances
        for device in instance.devices.values()
        if device.get("type") == "nic"
        and device.get("nictype") in _ON_INTERFACE
        and not device.get("vlan")
    }


def taken(
    lxd: ClusterView,
    net: WantedNetwork,
    links: Mapping[str, str],
    here: Iterable[Interface],
) -> Status | None:
    """Blocked for an uplink on an interface that an instance's nic is on.

    With a VLAN the uplink takes only the VLAN's own interface. It shares a bridge.
    """
    if net.vlan:
        return None
    shared = {interface.name for interface in here if interface.bridge}
    for member, parent in sorted(links.items()):
        instance = lxd.raw_nics.get((member, parent), "")
        if instance and parent not in shared:
            return blocked(f"{parent} is used by {instance}: name another for {net.name}")
    return None


def taken_by_member(
    lxd: ClusterView, net: WantedNetwork, step: SetOwnParent, here: Iterable[Interface]
) -> Status | None:
    """The same for one member's part of an existing uplink."""
    exclusive = modes.MODES[net.mode].exclusive
    return taken(lxd, net, {step.member: step.parent}, here) if exclusive else None
