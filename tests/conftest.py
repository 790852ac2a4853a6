"""What the tests of several packages need."""

from __future__ import annotations

import gc
from collections.abc import Generator

import pytest


@pytest.fixture
def garbage_collected() -> Generator[None]:
    """Collects after the test: what it left is reported in this test, not in a later one."""
    yield
    gc.collect()
