# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Fixtures for the tests of several packages."""

from __future__ import annotations

import gc
from collections.abc import Generator

import pytest


@pytest.fixture
def garbage_collected() -> Generator[None]:
    """Collects garbage after the test, so that warnings appear in this test, not in a later one."""
    yield
    gc.collect()
