# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The project's files are consistent."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml

from pack import actions_yaml, reference

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
GIT = "/usr/bin/git"

# In pieces, so that this file passes its own test.
REGISTRIES = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("deb", "debian", "org"),
        ("security", "debian", "org"),
        ("npmjs", "org"),
        ("crates", "io"),
    )
]


def text(name: str) -> str:
    return (ROOT / name).read_text()


def options() -> dict[str, dict[str, str]]:
    return yaml.safe_load(text("config.yaml"))["options"]


def actions() -> dict[str, dict[str, Any]]:
    return yaml.safe_load(text("actions.yaml"))


def requirements() -> list[str]:
    strings: list[str] = []
    for name in ("pyproject.toml", "lab/pyproject.toml"):
        project = tomllib.loads(text(name))
        groups = project["dependency-groups"].values()
        strings += project["project"]["dependencies"]
        strings += [entry for group in groups for entry in group if isinstance(entry, str)]
    return sorted({re.split(r"[^A-Za-z0-9._-]", entry)[0] for entry in strings})


def verbs() -> list[str]:
    return re.findall(r"^([a-z-]+):.*## ", text("Makefile"), re.MULTILINE)


def project_files() -> list[Path]:
    listed = subprocess.run(
        [GIT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    ).stdout
    paths = [ROOT / name for name in listed.split("\0") if name and name != "uv.lock"]
    return [path for path in paths if path.is_file()]


@pytest.mark.parametrize("name", options())
def test_option_is_complete(name: str) -> None:
    assert {"type", "default", "description"} <= set(options()[name])


@pytest.mark.parametrize("name", options())
def test_option_is_documented(name: str) -> None:
    documents = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]

    assert any(f"`{name}`" in document.read_text() for document in documents)


def test_plan_takes_the_options() -> None:
    """`make format` writes them."""
    assert text("actions.yaml") == actions_yaml.written(text("actions.yaml"), text("config.yaml"))
    assert list(actions()["plan"]["params"]) == list(options())


@pytest.mark.parametrize("name", actions())
def test_a_parameter_takes_what_jujus_client_makes_of_it(name: str) -> None:
    """With a type, Juju itself would refuse text that looks like a number, with its own message."""
    for parameter in actions()[name].get("params", {}).values():
        assert set(parameter) <= {"description", "properties"}


@pytest.mark.parametrize("name", actions())
def test_an_action_takes_no_parameter_that_it_does_not_know(name: str) -> None:
    assert actions()[name]["additionalProperties"] is False


@pytest.mark.parametrize("name", actions())
def test_action_is_documented(name: str) -> None:
    assert f"\n### `{name}`\n" in text("docs/reference/actions.md")


@pytest.mark.parametrize("page", reference.PAGES)
def test_reference_follows_from_its_source(page: str) -> None:
    """`make format` writes it."""
    assert text(page) == reference.expected(page)


@pytest.mark.parametrize("name", options())
def test_reference_says_what_a_change_of_the_option_does(name: str) -> None:
    """In the table that is written by hand."""
    rows = re.findall(r"^\| (`.*?) \|", text("docs/reference/options.md"), re.MULTILINE)

    assert [row for row in rows if f"`{name}`" in row]


@pytest.mark.parametrize("name", requirements())
def test_dependency_has_a_reason(name: str) -> None:
    assert re.search(rf"^\| `{re.escape(name)}` \| \S.+ \|$", text("CONTRIBUTING.md"), re.MULTILINE)


@pytest.mark.parametrize("verb", verbs())
def test_verb_is_explained(verb: str) -> None:
    assert f"`make {verb}`" in text("CONTRIBUTING.md")


def test_help_lists_the_verbs() -> None:
    shown = subprocess.run(
        ["/usr/bin/make", "--no-print-directory", "help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    ).stdout

    assert re.findall(r"^  make (\S+) +\S", shown, re.MULTILINE) == verbs()


def test_icon_is_100_by_100() -> None:
    icon = ET.fromstring(text("icon.svg"))

    assert (icon.get("width"), icon.get("height")) == ("100", "100")
    assert icon.get("viewBox") == "0 0 100 100"


@pytest.mark.parametrize("name", ["dispatch", "src/charm.py", ".ci/run", "lab/juju"])
def test_is_executable(name: str) -> None:
    assert os.access(ROOT / name, os.X_OK)


@pytest.mark.parametrize("host", REGISTRIES)
def test_no_registry_is_named(host: str) -> None:
    """The reader's own settings decide where packages come from."""
    naming = [path for path in project_files() if host.encode() in path.read_bytes()]

    assert naming == []


def test_the_lock_is_that_of_the_project() -> None:
    uv = max((ROOT / ".cache").glob("uv-*/bin/uv"))

    subprocess.run(
        [uv, "lock", "--check", "--offline"], cwd=ROOT, capture_output=True, timeout=60, check=True
    )
