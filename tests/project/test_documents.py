# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Links reach every page of the documentation, and no link is broken."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.project import links

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = (".github", "docs", "lab", "pack", "src", "terraform", "tests")
"""The folders with Markdown files, beside the root."""
ALONE = {"README.md", ".github/pull_request_template.md"}
"""Pages without a link to them: the forge shows them."""


def pages() -> list[Path]:
    """Every Markdown file of the project, without those that pytest writes into its cache."""
    inside = (page for folder in FOLDERS for page in (ROOT / folder).rglob("*.md"))
    return sorted([*ROOT.glob("*.md"), *(p for p in inside if p.parent.name != ".pytest_cache")])


def shown(page: Path) -> str:
    return str(page.relative_to(ROOT))


def broken(page: Path) -> list[str]:
    """The broken links of a page."""
    found: list[str] = []
    for path, anchor in links.local(page.read_text()):
        target = (page.parent / path).resolve() if path else page
        if not target.exists():
            found.append(f"{path}: no such file")
        elif anchor and target.suffix == ".md" and anchor not in links.anchors(target.read_text()):
            found.append(f"{path}#{anchor}: no such heading")
    return found


@pytest.mark.parametrize("page", pages(), ids=shown)
def test_links_lead_somewhere(page: Path) -> None:
    assert broken(page) == []


def test_every_page_is_reached_from_the_readme() -> None:
    reached = links.reached(ROOT / "README.md")

    missed = {shown(page) for page in pages() if page not in reached}
    assert missed - ALONE == set()


def test_every_page_of_the_documentation_is_in_its_index() -> None:
    index = ROOT / "docs" / "index.md"
    listed = {(index.parent / path).resolve() for path, _ in links.local(index.read_text())}
    found = {page for page in pages() if page.is_relative_to(index.parent) and page != index}

    assert [shown(page) for page in sorted(found - listed)] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("[a](b.md#c) and [d](#e)", [("b.md", "c"), ("", "e")], id="inline"),
        pytest.param("[`a[0]`](b.md)", [("b.md", "")], id="code as its text"),
        pytest.param("![picture](a.svg)", [("a.svg", "")], id="picture"),
        pytest.param("[a](https://example.com/b) [c](mailto:d)", [], id="elsewhere"),
        pytest.param("`[a](b.md)`", [], id="code"),
        pytest.param("```\n[a](b.md)\n```\n[c](d.md)", [("d.md", "")], id="block"),
        pytest.param("Text:\n\n    [a](b.md)\n\n[c](d.md)", [("d.md", "")], id="indented block"),
    ],
)
def test_links_are_found(text: str, expected: list[tuple[str, str]]) -> None:
    assert links.local(text) == expected


def test_anchors_are_those_of_a_forge() -> None:
    text = "# Images, and `backups`\n## Any LXD\n## Any LXD\n```\n# not one\n```\n"

    assert links.anchors(text) == {"images-and-backups", "any-lxd", "any-lxd-1"}
