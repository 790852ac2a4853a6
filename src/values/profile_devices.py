# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The devices of the default profile that the charm sets up, and the keys that it owns.

A profile can only be replaced as a whole. So an operator's additions to a device, such as `size` or
`limits.ingress`, are copied from the existing device.
"""

from __future__ import annotations

from collections.abc import Mapping

Device = Mapping[str, str]

PLACE = ("network", "nictype", "parent", "vlan", "mtu")
"""The keys of a nic for its network. The charm owns them and `type`."""
NIC = "eth0"
"""The name of the nic's device."""
_ROOT = "root"


def root_pool(devices: Mapping[str, Device]) -> str:
    """The pool of the root disk, empty without one."""
    return devices.get(_root_name(devices), {}).get("pool", "")


def _root_name(devices: Mapping[str, Device]) -> str:
    return next((n for n, device in devices.items() if device.get("path") == "/"), _ROOT)


def with_root(devices: Mapping[str, Device], pool: str) -> dict[str, Device]:
    """The devices with their root disk on `pool`, whatever name that disk has."""
    name = _root_name(devices)
    root = {**devices.get(name, {}), "type": "disk", "path": "/", "pool": pool}
    return {**devices, name: root}


def with_nic(devices: Mapping[str, Device], nic: Device) -> dict[str, Device]:
    """The devices with `eth0` on this network. An empty nic means that there is no `eth0`."""
    others = {name: device for name, device in devices.items() if name != NIC}
    if not nic:
        return others
    before = devices.get(NIC, {})
    own_keys = {key: value for key, value in before.items() if key not in PLACE}
    return {**others, NIC: {"name": NIC, **own_keys, "type": "nic", **nic}}


def place(nic: Device) -> dict[str, str]:
    """The keys of a nic for its network."""
    return {key: nic[key] for key in PLACE if key in nic}
