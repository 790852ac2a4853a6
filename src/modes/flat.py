# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""An existing bridge of the machines: instances are on the machines' own network."""

from modes import parent_checks
from modes.mode import Mode
from values.interface import Interface
from values.status import StatusText
from values.wanted_network import WantedNetwork


def _nic(wanted: WantedNetwork, parent: str) -> dict[str, str]:
    more = {"vlan": str(wanted.vlan or ""), "mtu": str(wanted.mtu or "")}
    set_keys = {key: value for key, value in more.items() if value}
    return {"nictype": "bridged", "parent": parent, **set_keys}


def _unfit(wanted: WantedNetwork, interface: Interface) -> StatusText:
    if not interface.bridge:
        return "is not a bridge"
    # Otherwise LXD would find out only when it starts an instance.
    return "has vlan_filtering off" if wanted.vlan and not interface.vlans else ""


def _unready(wanted: WantedNetwork, interface: Interface) -> str:
    return parent_checks.down(interface) or parent_checks.narrow(interface, wanted.mtu)


MODE = Mode(
    name="flat",
    words=frozenset({"parent", "vlan", "mtu"}),
    nic=_nic,
    needs_parent=True,
    unfit=_unfit,
    unready=_unready,
    # It is in the default profile, which all members share.
    one_name=True,
)
