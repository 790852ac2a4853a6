# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A pool that an operator put into a folder of each member, and a member that joins."""

from __future__ import annotations

import pytest

from lab.bench.bench import Bench
from tests.bench.drive import all_active, until
from tests.bench.units import BenchUnit, formed

PLACE = "/srv/instances"


def with_folder(unit: BenchUnit) -> None:
    """The node has an empty folder there."""
    unit.node.check(["/usr/bin/mkdir", "-p", PLACE])


@pytest.mark.long
def test_a_joining_member_has_its_part_at_the_same_place(ground: Bench):
    app = formed(ground, 2)
    for unit in app.units.values():
        with_folder(unit)
    first = app.units["lxd/0"].lxd.pools
    first.create("fast", "dir", {}, {m: {"source": PLACE} for m in ("m0", "m1")})

    with_folder(app.add(2))
    until(app, lambda: all_active(app), 120)

    part = first.part("fast", "m2")
    assert part.available
    assert part.given == PLACE
