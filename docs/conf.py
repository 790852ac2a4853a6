# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""How Sphinx builds the documentation: `make docs`.

The pages are plain Markdown, as a forge shows them. What Sphinx needs beside that follows from
them: the tables of contents from the links of index.md. Links to files outside of this folder
become links to the repository, whose address is in metadata.yaml.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from sphinx.application import Sphinx

_DOCS = Path(__file__).resolve().parent
_ROOT = _DOCS.parent
_METADATA = yaml.safe_load((_ROOT / "metadata.yaml").read_text())
_LINK = re.compile(r"\]\(([^()\s#:]+)(#[^()\s]*)?\)")
_SECTION = re.compile(r"^## (.+)$", re.MULTILINE)

project = _METADATA["name"]
html_title = _METADATA["display-name"]
author = "The lxd-cluster authors"
copyright = author  # noqa: A001 - Sphinx's own name for it

extensions = ["myst_parser", "sphinx_reredirects"]
source_suffix = {".md": "markdown"}
root_doc = "index"
exclude_patterns = ["_build"]
nitpicky = True

myst_heading_anchors = 4
"""Levels of headings to which pages may link, by the anchors that a forge makes."""

html_theme = "furo"
html_theme_options = {"source_repository": _METADATA["source"], "source_branch": "main"}
html_baseurl = os.environ.get("READTHEDOCS_CANONICAL_URL", "")

redirects: dict[str, str] = {}
"""By a page that is gone: where it is now. A page that is moved is added here."""


def _adapt(_app: Sphinx, page: str, source: list[str]) -> None:
    """Makes of a page as a forge shows it one that Sphinx can build."""
    folder = (_DOCS / page).parent
    text = _LINK.sub(lambda link: _to_repository(folder, link), source[0])
    source[0] = text + _contents(source[0]) if page == root_doc else text


def _to_repository(folder: Path, link: re.Match[str]) -> str:
    """A link to a file outside of this folder as one to the repository; any other as it is."""
    target = (folder / link[1]).resolve()
    if target.is_relative_to(_DOCS) or not target.exists():
        return link[0]
    kind = "tree" if target.is_dir() else "blob"
    name = target.relative_to(_ROOT)
    return f"]({_METADATA['source']}/{kind}/main/{name}{link[2] or ''})"


def _contents(index: str) -> str:
    """A table of contents for each section of the index: the pages that it links to."""
    parts = _SECTION.split(index)[1:]
    sections = zip(parts[::2], parts[1::2], strict=True)
    return "".join(_table(title, _LINK.findall(text)) for title, text in sections)


def _table(title: str, links: list[tuple[str, str]]) -> str:
    pages = [path.removesuffix(".md") for path, _ in links if not path.startswith("..")]
    if not pages:
        return ""
    return "\n".join(["\n```{toctree}", ":hidden:", f":caption: {title}", "", *pages, "```\n"])


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("source-read", _adapt)
