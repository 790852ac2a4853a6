"""A controller of plain hosts, and jubilant on the lab's command line."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Generator, Iterator
from pathlib import Path

import jubilant
import pytest

from lab.controller.controller import Controller
from lab.model.rules import VARIABLE, Rules
from tests.lab.charm_files import pack
from tests.lab.plain_hosts import PlainProvider

LAB_JUJU = Path(__file__).parents[2] / "lab/juju"


@pytest.fixture(scope="session")
def probe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packed probe charm."""
    return pack("probe", tmp_path_factory.mktemp("charms"))


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


@contextlib.contextmanager
def serving(controller: Controller) -> Generator[None]:
    """Let a controller serve until the end of the block."""
    thread = threading.Thread(target=controller.serve)
    thread.start()
    try:
        yield
    finally:
        controller.stopped.set()
        thread.join()


@pytest.fixture
def juju(tmp_path: Path, controller: Controller, monkeypatch: pytest.MonkeyPatch) -> jubilant.Juju:
    """jubilant, unchanged, on lab/juju, with a controller of plain hosts."""
    monkeypatch.setenv("LXD_CLUSTER_LAB", str(tmp_path))
    return jubilant.Juju(cli_binary=LAB_JUJU, wait_timeout=30)
