# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Five faults of `make chaos`: quick ones, one for each part of a cluster's life."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.chaos.catalogue import named
from tests.chaos.fault import try_fault
from tests.chaos.ground import Ground, on_the_lab

pytestmark = pytest.mark.machines

QUICK = (
    "hook-killed-bootstrap",
    "lxd-killed",
    "hook-killed-config",
    "hook-killed-join",
    "raft-leader-removed",
)


@pytest.fixture(scope="module")
def ground() -> Iterator[Ground]:
    with on_the_lab(print) as there:
        yield there


@pytest.mark.parametrize("name", QUICK)
def test_a_fault_ends_as_expected(ground: Ground, name: str):
    verdict = try_fault(named(name), ground)

    assert verdict.passed, verdict.problem + "\n" + ground.juju.debug_log(limit=300)
