# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Juju's data of a binding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class BindingAddress(NamedTuple):
    """An address of a binding, from Juju. The subnet is a CIDR, empty if unknown."""

    address: str
    subnet: str = ""
    interface: str = ""


@dataclass(frozen=True)
class Binding:
    """Juju's data of a binding: its addresses, or the reason why there are none."""

    name: str
    addresses: tuple[BindingAddress, ...] = ()
    problem: str = ""
