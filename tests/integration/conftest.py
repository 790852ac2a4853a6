# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A model for each module, on the lab or on a real controller: tests see no difference.

JUJU is the juju command, CHARM the packed charm. Machines that reach the snap store and an image
server need nothing else. For others, LXD_SNAP, LXD_SNAP_OTHER (another build) and CONTAINER_IMAGE
name the files to use. The lab has its own.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import jubilant
import pytest

from lab.machines import image

ROOT = Path(__file__).resolve().parents[2]
LAB = ROOT / "lab" / "juju"
APP = "lxd-cluster"
WAIT = 420.0
"""Seconds for every expected change; many times the usual time."""


@dataclass(frozen=True)
class Files:
    """Files for machines without internet access."""

    charm: Path
    lxd_snap: Path | None
    other_lxd_snap: Path | None
    container: Path | None

    @property
    def resources(self) -> dict[str, str]:
        """Resources to deploy with."""
        return {"lxd-snap": str(self.lxd_snap)} if self.lxd_snap else {}


def _named(variable: str) -> Path | None:
    value = os.environ.get(variable, "")
    return Path(value).resolve() if value else None


def pytest_sessionfinish(session: pytest.Session) -> None:
    """The last of several workers takes the lab down when it has ended."""
    if session.config.getoption("numprocesses", None) and not _is_worker(session.config):
        _take_down(_command())


@pytest.fixture(scope="session")
def cli(request: pytest.FixtureRequest) -> Iterator[str]:
    """The juju command. A lab is taken down afterwards, with its controller."""
    command = _command()
    yield command
    if not _is_worker(request.config):
        _take_down(command)


def _command() -> str:
    return os.environ.get("JUJU") or str(LAB)


def _is_worker(config: pytest.Config) -> bool:
    """Whether this is one of several processes of pytest-xdist that run tests."""
    return hasattr(config, "workerinput")


def _take_down(command: str) -> None:
    if Path(command).resolve() == LAB:
        jubilant.Juju(cli_binary=command).cli("lab", "down", include_model=False)


@pytest.fixture(scope="session")
def files(cli: str) -> Files:
    """The charm and its files."""
    charm = _named("CHARM") or ROOT / ".cache" / "lxd-cluster_lab.charm"
    if Path(cli).resolve() != LAB:
        return Files(charm, _named("LXD_SNAP"), _named("LXD_SNAP_OTHER"), _named("CONTAINER_IMAGE"))
    made = image.ensure_image(image.DEFAULT_CACHE, print)
    return Files(charm, made.lxd_snap(), made.lxd_snap(f"{made.lxd_version}-other"), made.container)


@pytest.fixture
def spaces(juju: jubilant.Juju) -> tuple[str, str]:
    """Two spaces with subnets: the space of most bindings, and another."""
    shown = json.loads(juju.cli("spaces", "--format", "json"))["spaces"]
    names = [one["name"] for one in shown if one["subnets"]]
    if len(names) < 2:
        pytest.skip("needs machines in two spaces")
    return names[0], names[1]


@pytest.fixture(scope="module")
def juju(cli: str, request: pytest.FixtureRequest) -> Iterator[jubilant.Juju]:
    """A model that is destroyed afterwards. If a test failed, its log is shown."""
    driver = jubilant.Juju(cli_binary=cli)
    before = request.session.testsfailed
    model = Path(request.path).stem.removeprefix("test_")
    driver.add_model(model)
    driver.wait_timeout = WAIT
    yield driver
    if request.session.testsfailed > before:
        sys.stdout.write(driver.cli("status") + driver.debug_log(limit=500))
    driver.destroy_model(model, destroy_storage=True, force=True)


@pytest.fixture(scope="module")
def deploy(juju: jubilant.Juju, files: Files) -> Callable[..., None]:
    """Deploys the charm with what the machines need."""

    def deployed(units: int, bind: str = "", **config: jubilant.ConfigValue) -> None:
        named = {key.replace("_", "-"): value for key, value in config.items()}
        juju.deploy(
            files.charm,
            APP,
            num_units=units,
            config=named,
            resources=files.resources,
            bind=bind or None,
        )

    return deployed
