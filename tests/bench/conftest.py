# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A bench for each test, and its daemons' logs if the test failed."""

from __future__ import annotations

import logging
import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from lab.bench.bench import Bench, bench
from lab.machines import image, lxd_folder
from lab.machines.layers import Image
from tests.bench.figures import Figures
from tests.bench.units import BenchApp, formed

# Folders of later LXDs, separated by blanks, for tests of upgrades.
NEXT = "LXD_CLUSTER_BENCH_NEXT"
_LINES = 40
_FIGURES = pytest.StashKey[list[str]]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item.add_marker("bench")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    made = getattr(item, "funcargs", {}).get("ground")
    if report.failed and report.when == "call" and isinstance(made, Bench):
        for name, node in made.nodes.items():
            lines = node.log.read_text(errors="replace").splitlines() if node.log.exists() else []
            report.sections.append((f"LXD on {name}", "\n".join(lines[-_LINES:])))
    return report


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    for line in config.stash.setdefault(_FIGURES, []):
        terminalreporter.write_line(line)


@pytest.fixture
def figures(request: pytest.FixtureRequest, system: Image) -> Figures:
    """Prints a figure at the end of the run, with its test and its LXD."""
    lines = request.config.stash.setdefault(_FIGURES, [])
    version = lxd_folder.version(lxd_folder.chosen() or system.lxd, system.rootfs)
    return lambda line: lines.append(f"LXD {version}, {request.node.name}: {line}")


@pytest.fixture(scope="session")
def system() -> Image:
    """The image for nodes."""
    return image.ensure_image(image.DEFAULT_CACHE, print)


@pytest.fixture(scope="session")
def later() -> tuple[Path, ...]:
    """Folders of later LXDs, in the order of a cluster's upgrades."""
    return tuple(Path(folder).resolve() for folder in os.environ.get(NEXT, "").split())


@pytest.fixture
def ground(
    system: Image, later: tuple[Path, ...], caplog: pytest.LogCaptureFixture
) -> Iterator[Bench]:
    """An empty bench of the chosen LXD."""
    caplog.set_level(logging.INFO)
    caplog.set_level(logging.WARNING, "urllib3")
    chosen = lxd_folder.chosen() or system.lxd
    with bench(system, (chosen, *later)) as made:
        yield made


@pytest.fixture
def trio(ground: Bench) -> BenchApp:
    """Three units, all members."""
    return formed(ground, 3)
