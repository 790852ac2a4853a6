"""Each instance has a virtual function of a network card of its machine."""

from networks import parent
from networks.interface import Interface
from networks.macvlan import WORDS, config
from networks.mode import Mode, on_network
from networks.wanted import WantedNetwork


def _unfit(wanted: WantedNetwork, interface: Interface) -> str:
    del wanted
    # With its card down no virtual function comes up (LXD issue 5041).
    missing = "" if interface.virtual_functions else "has no virtual functions"
    return missing or parent.down(interface)


MODE = Mode(
    name="sriov",
    type="sriov",
    words=WORDS,
    config=config,
    nic=on_network,
    needs_parent=True,
    unfit=_unfit,
)
