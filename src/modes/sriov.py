# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Each instance has a virtual function of a network card of its machine."""

from modes import lxd_keys, parent_checks
from modes.macvlan import WORD_OF, WORDS, config
from modes.mode import Mode, on_network
from values.interface import Interface
from values.status import StatusText
from values.wanted_network import WantedNetwork


def _unfit(wanted: WantedNetwork, interface: Interface) -> StatusText:
    del wanted
    # If its card is down, no virtual function comes up (LXD issue 5041).
    missing = "" if interface.virtual_functions else "has no virtual functions"
    return missing or parent_checks.down(interface)


MODE = Mode(
    name="sriov",
    type="sriov",
    takes=lxd_keys.SRIOV,
    words=WORDS,
    word_of=WORD_OF,
    config=config,
    nic=on_network,
    needs_parent=True,
    unfit=_unfit,
)
