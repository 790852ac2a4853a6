# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Names of Juju's units, such as lxd-cluster/3."""

from __future__ import annotations

import re

_UNIT = re.compile(r"(.*)/([0-9]{1,18})")


def number(unit: str) -> int:
    """The unit's number, which Juju never uses again. 0 for a text without one."""
    match = _UNIT.fullmatch(unit)
    return int(match[2]) if match else 0


def order(unit: str) -> tuple[str, int]:
    """Sorts units as Juju does: by the application, then by the number."""
    match = _UNIT.fullmatch(unit)
    return (match[1], int(match[2])) if match else (unit, 0)
