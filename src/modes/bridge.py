# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A bridge on every member, with LXD's own DHCP and DNS on it."""

from modes import lxd_keys
from modes.address_keys import (
    BRIDGE_WORDS,
    WORD_OF_BRIDGE,
    WORD_OF_RANGES,
    by_family,
    of_bridge,
)
from modes.mode import Mode, on_network
from values.wanted_network import WantedNetwork


def _config(wanted: WantedNetwork) -> dict[str, str]:
    ranges = by_family(wanted.ranges)
    uplink = {f"ipv{version}.ovn.ranges": ",".join(ranges[version]) for version in (4, 6)}
    return {**of_bridge(wanted), **uplink}


MODE = Mode(
    name="bridge",
    type="bridge",
    takes=lxd_keys.BRIDGE,
    words=BRIDGE_WORDS | {"ranges"},
    word_of={**WORD_OF_BRIDGE, **WORD_OF_RANGES},
    config=_config,
    nic=on_network,
    ranges_in="subnet",
)
