# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Links between the project's Markdown files, as a reader on a forge follows them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

_FENCE = re.compile(r"^(```+|~~~+).*?^\1[ \t]*$", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"(?:(?<=\n\n)|\A)(?:(?: {4}|\t)[^\n]*\n+)+")
_CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)", re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\[\]]*\])*\]\(\s*<?([^()\s<>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
_HEADING = re.compile(r"^#{1,6} +(.+?)(?: +#+)? *$", re.MULTILINE)
_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def targets(text: str) -> list[str]:
    """The links of a text, in order. Code and comments have no links."""
    return _LINK.findall(_CODE.sub("", _without_blocks(text)))


def local(text: str) -> list[tuple[str, str]]:
    """The links within the project: each file, empty for the text's own, and the anchor."""
    found = [target for target in targets(text) if not _ELSEWHERE.match(target)]
    return [(path, anchor) for path, _, anchor in (target.partition("#") for target in found)]


def anchors(text: str) -> set[str]:
    """The anchors of a text's headings, as forges and MyST make them."""
    found: list[str] = []
    for heading in _HEADING.findall(_without_blocks(text)):
        slug = _slug(heading)
        number = sum(1 for other in found if re.fullmatch(rf"{re.escape(slug)}(-\d+)?", other))
        found.append(f"{slug}-{number}" if number else slug)
    return set(found)


def reached(start: Path) -> set[Path]:
    """Every Markdown file that links from `start` reach, including `start`."""
    found: set[Path] = set()
    waiting = [start.resolve()]
    while waiting:
        page = waiting.pop()
        if page in found or not page.is_file():
            continue
        found.add(page)
        waiting += _pages(page)
    return found


def _pages(page: Path) -> Iterator[Path]:
    for path, _ in local(page.read_text()):
        if path.endswith(".md"):
            yield (page.parent / path).resolve()


def _without_blocks(text: str) -> str:
    text = _COMMENT.sub("", _FENCE.sub("", text))
    return _INDENTED.sub("", text)


def _slug(heading: str) -> str:
    shown = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    kept = re.sub(r"[^\w\- ]", "", shown.strip().lower())
    return kept.replace(" ", "-")
