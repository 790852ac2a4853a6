# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The word list of `make lint`: what it refuses, what it accepts, and where it looks."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from pack import prose

ROOT = Path(__file__).parents[2]


def words(text: str) -> list[str]:
    return [words for _, words, _ in prose.findings(prose.Text(line=1, words=text))]


@pytest.mark.parametrize(
    "text",
    [
        "Whoever reads it.",
        "It keeps that which it read.",
        "The pools of which it has two.",
        "The unit for whom it is.",
        "Names, apart by spaces.",
        "This is no bridge.",
        "These are no bridges.",
        "This is no\nbridge.",
        "It was no member.",
        "A step that nobody knows of.",
        "It does not wait, nor does it stop.",
        "It waits, and so does the other.",
        "All of it, be it a pool or a network.",
        "It waits lest it fails.",
        "It waits and thereby fails.",
        "It thus fails.",
        "It shall fail.",
        "It is made anew.",
        "It is as new but for its name.",
        "Should it fail, it waits.",
        "Who reads it waits.",
        "Whose member it is.",
        "It waits. Of these it takes one.",
        "A summary.\n\nOf these it takes one.",
        "Nor must it wait.",
        "Only then does it wait.",
        "Never does it wait.",
        "A unit that Juju knows no more.",
    ],
)
def test_hard_words_are_refused(text: str) -> None:
    assert words(text)


@pytest.mark.parametrize(
    "text",
    [
        "There is no bridge.",
        "It has no bridge.",
        "It is no longer a member.",
        "There are no more than two.",
        "It may be in the cluster.",
        "Which of them is whose is known.",
        "Of course it waits.",
        "Two pools, one of which is new.",
        "It waits so that the other does not.",
        "The unit never waits.",
    ],
)
def test_plain_words_are_accepted(text: str) -> None:
    assert words(text) == []


def test_a_match_has_its_line_and_a_better_word(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text("# Page\n\nIt is\nno bridge.\n")

    assert prose.refused(tmp_path) == ["page.md:3: is no: write is not a"]


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("a.py", '"""It is no bridge."""\n', 1),
        ("a.py", 'A = 1\n"""It is no bridge."""\n', 2),
        ("a.py", 'def a():\n    """A.\n\n    It is no bridge.\n    """\n', 4),
        ("a.py", "a = 1  # it is no bridge\n", 1),
        ("a.py", "# it\n# is no bridge\n", 2),
        ("a.md", "text\n\n- it is no bridge\n", 3),
        ("a.yaml", "# it is no bridge\n", 1),
        ("a.yaml", "a:\n  description: |\n    it\n    is no bridge\n", 4),
        ("a.yaml", "summary: it is no bridge\n", 1),
        ("a.tf", 'description = "it is no bridge"\n', 1),
        ("Makefile", "a: ## it is no bridge\n", 1),
        ("a.sh", "# it is no bridge\n", 1),
        ("a.j2", "# it is no bridge\n", 1),
        ("tool", "#!/bin/sh\n# it is no bridge\n", 2),
        (".ci/tool", "#!/bin/sh\n# it is no bridge\n", 2),
        ("src/a.py", 'a = 1\nb = "it is no bridge"\n', 2),
        ("src/a.py", 'a = f"{b} is no bridge"\n', 1),
        ("src/a.py", 'a = f"{b} is no {c}"\n', 1),
        ("src/a.py", 'a = (\n    "it is "\n    "no bridge"\n)\n', 2),
        ("src/a.py", '"""It is no bridge."""\n', 1),
        ("src/a/b.py", 'def a():\n    """A."""\n    return "it is no bridge"\n', 3),
    ],
)
def test_prose_is_read(tmp_path: Path, name: str, text: str, line: int) -> None:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text(text)

    assert prose.refused(tmp_path) == [f"{name}:{line}: is no: write is not a"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.py", 'a = "it is no bridge"\n'),
        ("a.py", 'a = """it is no bridge"""\n'),
        ("a.py", 'a = "# it is no bridge"\n'),
        ("a.py", '"""The status `it is no bridge`."""\n'),
        ("a.md", "text\n\n    it is no bridge\n"),
        ("a.md", "```\nit is no bridge\n```\n"),
        ("a.yaml", "a: it is no bridge\n"),
        ("tool", "#!/usr/bin/python3\n# it is no bridge\n"),
        ("data", "it is no bridge\n"),
    ],
)
def test_code_is_not_prose(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)

    assert prose.refused(tmp_path) == []


def test_other_peoples_files_are_not_read(tmp_path: Path) -> None:
    for folder in (".cache", "lib", "recordings"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "page.md").write_text("It is no bridge.\n")

    assert prose.refused(tmp_path) == []


def test_the_project_is_in_plain_english() -> None:
    assert prose.refused(ROOT) == []


def test_it_is_quick() -> None:
    began = time.process_time()
    prose.refused(ROOT)

    assert time.process_time() - began < 5


def test_the_name_of_a_test_is_a_sentence(tmp_path: Path) -> None:
    module = (
        "def test_what_is_no_pool_is_refused():\n    pass\n\n\ndef what_is_no_pool():\n    pass\n"
    )
    folder = tmp_path / "tests"
    folder.mkdir()
    (folder / "test_pools.py").write_text(module)
    (folder / "helpers.py").write_text(module)

    assert prose.refused(tmp_path) == ["tests/test_pools.py:1: is no: write is not a"]
