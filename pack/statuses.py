# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Keeps the page that lists every status up to date with docs/reference/statuses.yaml."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from pack import reference, status_texts
from pack.status_texts import WRITTEN

TABLE = reference.ROOT / "docs" / "reference" / "statuses.yaml"
PAGE = reference.ROOT / "docs" / "reference" / "statuses.md"
_SOURCE = "statuses.yaml"
_NAMED = re.compile(r"\{([^{}]+)\}")
_KINDS = ("blocked", "waiting", "active", "maintenance")
_NOTHING = {
    "waiting": "Nothing: it passes.",
    "maintenance": "Nothing: it passes.",
    "active": "Nothing.",
}
"""By kind: what to do about a status that says nothing else."""


@dataclass(frozen=True)
class Row:
    """One status: what it says, why, and what to do."""

    topic: str
    kind: str
    words: str
    """Braces mark what differs: `to join after {UNIT}`."""
    why: str
    do: str
    by: tuple[str, ...] = ()
    """FILE:FUNCTION below src that writes the words, beside the function that makes the status."""

    @property
    def plain(self) -> str:
        """The words without braces: `to join after UNIT`."""
        return _NAMED.sub(r"\1", self.words)

    @property
    def text(self) -> str:
        """The words as a pattern of `status_texts`."""
        return _NAMED.sub(status_texts.HOLE, self.words)

    def has(self, text: str) -> bool:
        """Whether the words contain this text: a hole of the text may be words here."""
        parts = map(re.escape, text.split(status_texts.HOLE))
        return re.search(".+".join(parts), self.text) is not None


@dataclass(frozen=True)
class Table:
    """All statuses; and FILE:FUNCTION that makes a status of the words of other functions."""

    rows: tuple[Row, ...]
    carried: frozenset[str]


def table(text: str) -> Table:
    """Reads the table. Raises ValueError for a row without a kind, a cause or a remedy."""
    found: Mapping[str, Any] = yaml.safe_load(text)
    topics: Mapping[str, list[dict[str, Any]]] = found["topics"]
    rows = tuple(_row(topic, row) for topic, listed in topics.items() for row in listed)
    return Table(rows, frozenset(found["carried"]))


def shown(rows: Sequence[Row]) -> str:
    """The rows as Markdown: a section with a table for each topic."""
    return "\n\n".join(_section(topic, rows) for topic in dict.fromkeys(r.topic for r in rows))


def mistakes(known: Table) -> list[str]:
    """What the table lacks, and what it has that is not in the source."""
    return [*_wrong_rows(known), *_unlisted(known), *_uncarried(known)]


def expected() -> str:
    """The correct text of the page. Raises ValueError if it has no place for the tables."""
    known = table(TABLE.read_text())
    return reference.written(PAGE.read_text(), _SOURCE, shown(known.rows))


def _row(topic: str, row: dict[str, Any]) -> Row:
    kinds = [kind for kind in _KINDS if kind in row]
    if len(kinds) != 1 or row.keys() - {*kinds, "why", "do", "by"} or not row.get("why"):
        raise ValueError(f"{row}: needs one of {', '.join(_KINDS)}, and `why`")
    kind = kinds[0]
    do = row.get("do") or _NOTHING.get(kind)
    if do is None:
        raise ValueError(f"{row}: a blocked unit needs `do`")
    return Row(topic, kind, row[kind], row["why"], do, tuple(row.get("by", ())))


def _section(topic: str, rows: Sequence[Row]) -> str:
    lines = [
        f"| `{row.kind}: {row.plain}` | {row.why} | {row.do} |"
        for row in rows
        if row.topic == topic
    ]
    return "\n".join([f"## {topic}\n", "| status | why | what to do |", "|---|---|---|", *lines])


def _made() -> tuple[status_texts.Made, ...]:
    return (*status_texts.made(), *status_texts.of_dispatch())


def _wrong_rows(known: Table) -> Iterator[str]:
    """Rows that no status of the source has, and rows that are there twice."""
    made = {(m.kind, m.text) for m in _made()}
    for row in known.rows:
        if not row.by and (row.kind, row.text) not in made:
            yield f"not in src: {row.kind}: {row.words}"
        for writer in row.by:
            if not any(map(row.has, status_texts.returned(writer))):
                yield f"{writer} does not write it: {row.words}"
    times = Counter((row.kind, row.text) for row in known.rows)
    yield from (f"twice: {kind}: {text}" for (kind, text), n in times.items() if n > 1)


def _unlisted(known: Table) -> Iterator[str]:
    """Statuses of the source, and texts for them, without a row."""
    listed = {(row.kind, row.text) for row in known.rows}
    for made in _made():
        if not made.carries and (made.kind, made.text) not in listed:
            yield f"no row: {made.kind}: {made.text} ({made.place})"
    by = {writer for row in known.rows for writer in row.by}
    for writer in sorted(by.union(status_texts.writers())):
        for text in status_texts.returned(writer):
            if not _has_row(text, writer, known):
                yield f"no row: {text} ({writer})"


def _has_row(text: str, writer: str, known: Table) -> bool:
    rows = known.rows
    itself = any((row.kind, row.text) == ("blocked", text) for row in rows)
    return itself or any(writer in row.by and row.has(text) for row in rows)


def _uncarried(known: Table) -> Iterator[str]:
    """Places that make a status of another function's words, and are not known as such."""
    made = status_texts.made()
    for place in sorted({m.place for m in made if m.carries} - known.carried):
        yield f"{place} is not in `carried`; what writes its words returns a {WRITTEN}"
    for place in sorted(known.carried - {m.place for m in made if m.carries}):
        yield f"{place} makes no status of another function's words"


def main() -> None:
    """Writes the page if it is out of date."""
    after = expected()
    if after != PAGE.read_text():
        PAGE.write_text(after)


if __name__ == "__main__":
    main()
