# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Everything outside this process that the charm looks at and changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # ~Protocols take time to define in a hook, and only the type checker needs them.
    from lxd.api import LxdApi
    from ports import protocols


def _nobody_is_gone(_: str) -> bool:
    return False


@dataclass(frozen=True)
class Ports:
    """The interfaces of a run.

    `clock` gives seconds since the epoch; `show_progress` shows the operator the current step;
    `is_gone` asks Juju at this moment whether it has removed a unit.
    """

    lxd: LxdApi
    snap: protocols.SnapPort
    machine: protocols.MachinePort
    database: protocols.DatabasePort
    clock: Callable[[], float]
    show_progress: Callable[[str], None]
    is_gone: Callable[[str], bool] = _nobody_is_gone
