"""Everything outside this process that the charm looks at and changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # Protocols take a hook's time to make, and only the type checker wants them.
    from lxd.api import LxdApi
    from ports import protocols


@dataclass(frozen=True)
class Ports:
    """What a run works on.

    `clock` gives seconds since the epoch; `tell` shows the operator what is being done.
    """

    lxd: LxdApi
    snap: protocols.SnapPort
    machine: protocols.MachinePort
    database: protocols.DatabasePort
    clock: Callable[[], float]
    tell: Callable[[str], None]
