# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A member that an operator has renamed takes instances like other members."""

from __future__ import annotations

import pytest

from tests.bench.containers import all_run, launch
from tests.bench.drive import all_active, leave, until
from tests.bench.operator import rename
from tests.bench.units import BenchApp


@pytest.mark.long
def test_a_renamed_member_takes_the_instances_of_a_leaving_one(trio: BenchApp):
    """LXD issue 11534: LXD 5.0 keeps its old name, and finds no connection to the new one."""
    launch(trio, "c1", "m2")
    rename(trio.units["lxd/0"], "m1", "renamed")
    until(trio, lambda: all_active(trio), 60)

    leave(trio, "lxd/2")

    assert all_run(trio, "c1")["c1"] in {"m0", "m1", "renamed"}
