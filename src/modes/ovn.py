# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A virtual network over all members with its own router, made by OVN."""

from modes import lxd_keys
from modes.address_keys import WORD_OF_BRIDGE, subnets
from modes.mode import Mode, on_network
from values.wanted_network import WantedNetwork


def _config(wanted: WantedNetwork) -> dict[str, str]:
    return {
        **subnets(wanted),
        # LXD has no value for a network without an uplink.
        **({"network": wanted.uplink} if wanted.uplink else {}),
        # LXD sets the MTU that fits into the tunnels.
        **({"bridge.mtu": str(wanted.mtu)} if wanted.mtu else {}),
        "dns.domain": wanted.domain,
    }


MODE = Mode(
    name="ovn",
    type="ovn",
    takes=lxd_keys.OVN,
    words=frozenset({"ipv4", "ipv6", "nat", "mtu", "domain", "uplink"}),
    word_of=WORD_OF_BRIDGE,
    config=_config,
    nic=on_network,
    # LXD also chooses it when it is unset later (by source).
    chosen=frozenset({"bridge.mtu"}),
    needs="ovn",
    on_members=False,
)
