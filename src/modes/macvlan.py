# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Instances share an interface of their machine, each with its own MAC.

They reach the interface's network and one another, but not their own machine.
"""

from modes import lxd_keys, parent_checks
from modes.mode import Mode, on_network
from values.wanted_network import WantedNetwork

WORDS = frozenset({"parent", "vlan", "mtu"})
WORD_OF = {"mtu": "mtu"}


def config(wanted: WantedNetwork) -> dict[str, str]:
    """LXD's keys of a network on an interface."""
    return {"vlan": str(wanted.vlan or ""), "mtu": str(wanted.mtu or "")}


MODE = Mode(
    name="macvlan",
    type="macvlan",
    takes=lxd_keys.MACVLAN,
    words=WORDS,
    word_of=WORD_OF,
    config=config,
    nic=on_network,
    needs_parent=True,
    unfit=parent_checks.of_macvlan,
)
