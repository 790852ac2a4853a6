# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Charmcraft's own models and linters accept the project's files."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import craft_parts.plugins
import pytest
import yaml
from charmcraft import linters, parts
from charmcraft.models.config import JujuConfig
from charmcraft.models.metadata import CharmMetadataLegacy
from charmcraft.models.project import CharmcraftProject

ROOT = Path(__file__).parents[2]
CHARM_FACING = {"name", "title", "summary", "description", "requires", "links", "assumes"}
LINKS = ("website", "source", "issues", "docs")


def load(name: str) -> dict[str, Any]:
    return yaml.safe_load((ROOT / name).read_text())


@pytest.fixture(autouse=True)
def _plugins() -> None:
    craft_parts.plugins.register(parts.get_app_plugins())


def test_charmcraft_reads_the_project() -> None:
    project = CharmcraftProject.from_yaml_file(ROOT / "charmcraft.yaml")

    assert project.type == "charm"
    assert set(project.platforms) == {
        f"ubuntu@{series}:{arch}"
        for series in ("22.04", "24.04", "26.04")
        for arch in ("amd64", "arm64")
    }


def test_what_the_charm_is_stands_in_metadata_alone() -> None:
    """Charmcraft silently drops these from charmcraft.yaml when there is a metadata.yaml."""
    assert not CHARM_FACING & set(load("charmcraft.yaml"))


def test_charmcraft_reads_the_options() -> None:
    assert JujuConfig.unmarshal(load("config.yaml")).options


def test_charmcraft_reads_the_metadata() -> None:
    metadata = CharmMetadataLegacy.unmarshal(load("metadata.yaml"))

    assert metadata.name == "lxd-cluster"
    assert metadata.display_name == "LXD Cluster"
    assert metadata.maintainers
    assert all(getattr(metadata, link) for link in LINKS)


def test_metadata_has_no_key_that_charmcraft_drops() -> None:
    """Charmcraft silently leaves an unknown key out of the packed charm."""
    known = {field.alias or name for name, field in CharmMetadataLegacy.model_fields.items()}

    assert set(load("metadata.yaml")) <= known


@pytest.mark.parametrize("kind", ["peers", "requires"])
def test_relations_are_described(kind: str) -> None:
    relations = load("metadata.yaml")[kind]

    assert [name for name, relation in relations.items() if not relation["description"]] == []


@pytest.mark.parametrize(
    "linter",
    [
        linters.JujuActions,
        linters.JujuConfig,
        linters.JujuMetadata,
        linters.NamingConventions,
        linters.Entrypoint,
    ],
)
def test_charmcraft_finds_nothing_to_say(linter: type[linters.Linter]) -> None:
    check = linter()

    assert check.run(ROOT) == linter.Result.OK, check.text


def test_charmcraft_sees_a_charm_of_ops(tmp_path: Path) -> None:
    """Charmcraft looks for ops in venv/ops, where only its oldest plugin puts it."""
    (tmp_path / "venv" / "ops").mkdir(parents=True)
    shutil.copy2(ROOT / "dispatch", tmp_path)
    (tmp_path / "src").mkdir()
    shutil.copy2(ROOT / "src" / "charm.py", tmp_path / "src")
    check = linters.OpsMainCall()

    assert check.run(tmp_path) == linters.OpsMainCall.Result.OK, check.text
