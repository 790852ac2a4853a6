# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A controller of plain hosts, and jubilant on the lab's command line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import jubilant
import pytest

from lab.controller.controller import Controller
from lab.machines import host
from lab.model.rules import VARIABLE, Rules
from lab.testing.charm_files import pack
from plain_hosts import PlainProvider
from probes import LAB_JUJU, serving

CHARMS = Path(__file__).parent / "charms"


@pytest.fixture(scope="session")
def probe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packed probe charm."""
    return pack("probe", tmp_path_factory.mktemp("charms"), CHARMS)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A lab's home. Its machines are removed at the end of the module."""
    home = tmp_path_factory.mktemp("lab")
    yield home
    host.clean(home, print)


@pytest.fixture
def rules() -> Rules:
    """The version of Juju that the controller's models follow; tests may change it."""
    return "4.0"


@pytest.fixture
def provider(tmp_path: Path) -> PlainProvider:
    return PlainProvider(tmp_path)


@pytest.fixture
def controller(
    tmp_path: Path, provider: PlainProvider, rules: Rules, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Controller]:
    """A controller that serves tmp_path."""
    monkeypatch.setenv(VARIABLE, rules)
    controller = Controller(tmp_path, provider)
    with serving(controller):
        yield controller


@pytest.fixture
def juju(tmp_path: Path, controller: Controller, monkeypatch: pytest.MonkeyPatch) -> jubilant.Juju:
    """jubilant, unchanged, on lab/juju, with a controller of plain hosts."""
    monkeypatch.setenv("LXD_CLUSTER_LAB", str(tmp_path))
    return jubilant.Juju(cli_binary=LAB_JUJU, wait_timeout=30)
