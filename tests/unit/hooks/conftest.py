# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Applications whose hooks call the hook tools of the lab's model of Juju."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.hook_tools import HookTools, tools_for
from tests.unit.model_units import ModelApp, formed


@pytest.fixture
def three(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HookTools:
    """Three members with nothing to do."""
    return tools_for(formed(3), tmp_path, monkeypatch)


@pytest.fixture
def new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HookTools:
    """A unit without LXD."""
    app = ModelApp()
    app.add(0)
    return tools_for(app, tmp_path, monkeypatch)
