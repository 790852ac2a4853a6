# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The model of LXD answers like the real one: the quick histories; `make conformance` has all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.answers import differences
from tests.conformance.histories import HISTORIES
from tests.conformance.real_side import RealSide
from tests.conformance.running import on_model, on_real

pytestmark = pytest.mark.machines

QUICK = ("forming", "tokens", "notes", "leaving-with-data", "evacuation")


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealSide]:
    home: Path = tmp_path_factory.mktemp("lab")
    side = RealSide.boot(home)
    yield side
    side.close()


@pytest.mark.parametrize("name", QUICK)
def test_model_and_real_lxd_answer_the_same(real: RealSide, name: str):
    history = HISTORIES[name]
    found = differences(on_model(history, real.generation), on_real(real, history))
    assert not found, "\n".join(found)
