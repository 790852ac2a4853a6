# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""What holds for each unit test."""

from __future__ import annotations

import pytest

from tests.unit import model_units


@pytest.fixture(autouse=True)
def _applications(request: pytest.FixtureRequest) -> None:
    """A test that replaces code forms its own application: it may form in another way."""
    model_units.begin_test(may_copy="monkeypatch" not in request.fixturenames)
