"""Each instance has a virtual function of a network card of its machine."""

from networks.interface import Interface
from networks.macvlan import WORDS, config
from networks.mode import Mode, on_network
from networks.wanted import WantedNetwork


def _unfit(wanted: WantedNetwork, interface: Interface) -> str:
    del wanted
    return "" if interface.virtual_functions else "has no virtual functions"


MODE = Mode(
    name="sriov",
    type="sriov",
    words=WORDS,
    config=config,
    nic=on_network,
    needs_parent=True,
    unfit=_unfit,
)
