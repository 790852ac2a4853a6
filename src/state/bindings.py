"""What Juju says of a binding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class BindingAddress(NamedTuple):
    """An address that a binding has, as Juju tells it. The subnet is a CIDR, empty if unknown."""

    address: str
    subnet: str = ""
    interface: str = ""


@dataclass(frozen=True)
class Binding:
    """What Juju says of a binding: its addresses, or why it cannot say."""

    name: str
    addresses: tuple[BindingAddress, ...] = ()
    problem: str = ""
