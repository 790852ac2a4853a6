# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""GitHub's workflows pin their actions by digest, and run the Makefile's targets."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yaml"))
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # \S+")


def name(path: Path) -> str:
    return path.name


def load(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text())


def commands(workflow: Path) -> str:
    steps = [step for job in load(workflow)["jobs"].values() for step in job["steps"]]
    return "\n".join(step.get("run", "") for step in steps)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=name)
def test_actions_are_pinned_by_digest(workflow: Path) -> None:
    used = re.findall(r"uses: *(.+)$", workflow.read_text(), re.MULTILINE)

    assert [action for action in used if not PINNED.fullmatch(action)] == []


def test_an_action_has_one_version() -> None:
    used = {
        line.partition("@")[::2]
        for workflow in WORKFLOWS
        for line in re.findall(r"uses: *(.+)$", workflow.read_text(), re.MULTILINE)
    }

    assert len(used) == len({action for action, _ in used})


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=name)
def test_a_workflow_has_no_rights_of_its_own(workflow: Path) -> None:
    """Each job says which it needs."""
    parsed = load(workflow)

    assert parsed["permissions"] == {}
    assert all("permissions" in job for job in parsed["jobs"].values())


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=name)
def test_every_job_has_a_time_limit(workflow: Path) -> None:
    assert all(job["timeout-minutes"] for job in load(workflow)["jobs"].values())


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=name)
def test_verbs_are_those_of_the_makefile(workflow: Path) -> None:
    verbs = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)
    called = [
        verb for line in re.findall(r"make ([a-z -]+)", commands(workflow)) for verb in line.split()
    ]

    assert set(called) <= set(verbs)


def test_every_platform_is_published() -> None:
    matrix = load(ROOT / ".github/workflows/publish.yaml")["jobs"]["pack"]["strategy"]["matrix"]
    packed = itertools.product(matrix["base"], matrix["arch"])

    assert {f"ubuntu@{base}:{arch}" for base, arch in packed} == set(
        load(ROOT / "charmcraft.yaml")["platforms"]
    )


def test_contributing_explains_every_workflow() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()

    assert [workflow.stem for workflow in WORKFLOWS if f"| `{workflow.stem}` |" not in text] == []
