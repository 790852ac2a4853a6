"""A share of `make fuzz`: the same cases each time. And the fuzzer finds what it is there for."""

from __future__ import annotations

from itertools import count
from time import monotonic

import pytest

from tests.fuzz import kinds

SECONDS = 2.0
"""For each kind."""


@pytest.mark.parametrize("kind", kinds.KINDS)
def test_nothing_raises(kind: str):
    end = monotonic() + SECONDS
    for number in count():
        error = kinds.run(kind, 1, number)
        assert error is None, f"make fuzz SEED=1 ARGS='--kind {kind} --case {number}': {error!r}"
        if monotonic() > end:
            return
