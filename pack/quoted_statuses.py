# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Finds the statuses that the documentation quotes, and those that no unit can have."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from pack import reference
from pack.statuses import PAGE, Row

_KIND = r"(?:blocked|waiting|maintenance)"
_SPAN = re.compile(r"`([^`]+)`")
_WITH_KIND = re.compile(rf"(?:^    |`)({_KIND}: [^`\n]+)", re.MULTILINE)
_HEADER = re.compile(r"\| status \|")
_NAMED = re.compile(r"\{[^{}]+\}")
_CUT = "..."
"""In a quotation: words that differ or are left out."""


def pages() -> Iterator[Path]:
    """The pages that may quote a status, without the generated one."""
    yield reference.ROOT / "README.md"
    yield from sorted(page for page in (reference.ROOT / "docs").rglob("*.md") if page != PAGE)


def quoted(text: str) -> list[str]:
    """The statuses that a page quotes: in a table of them, or with their kind before them."""
    found = {m.group(1).partition(": ")[2] for m in _WITH_KIND.finditer(text)}
    for cell in _cells(text.splitlines()):
        # A part of another quotation in the cell starts with three dots.
        found |= {span for span in _SPAN.findall(cell) if not span.startswith(_CUT)}
    return sorted(re.sub(rf"^(?:{_KIND}|active): ", "", one) for one in found)


def _cells(lines: Iterable[str]) -> Iterator[str]:
    """The first cell of each row of each table whose first column has statuses."""
    inside = False
    for line in lines:
        inside = bool(_HEADER.match(line)) or (inside and line.startswith("|"))
        if inside and not line.startswith(("| status", "|---")):
            yield line.split("|")[1]


def unknown(text: str, rows: Sequence[Row]) -> list[str]:
    """The statuses that a page quotes and that are not in the table."""
    specific = [row.words for row in rows if row.kind == "active" or _has_words(row.words)]
    return [one for one in quoted(text) if not any(_is(one, words) for words in specific)]


def _has_words(words: str) -> bool:
    return re.search(r"\w", _NAMED.sub("", words)) is not None


def _is(one: str, words: str) -> bool:
    """Whether a quotation is a status with these words, as far as it is quoted."""
    begin, cut, _ = one.partition(_CUT)
    if not cut:
        return re.fullmatch(_pattern(words), one) is not None
    parts = (words[:end] for end in _ends(words))
    return any(re.fullmatch(_pattern(part), begin.rstrip()) for part in parts if _has_words(part))


def _ends(words: str) -> Iterator[int]:
    """The places where a quotation may be cut: behind any character that is not in a hole."""
    holes = [range(*found.span()) for found in _NAMED.finditer(words)]
    yield from (
        end for end in range(1, len(words) + 1) if not any(end in hole[1:] for hole in holes)
    )


def _pattern(words: str) -> str:
    return ".+".join(map(re.escape, _NAMED.split(words)))
