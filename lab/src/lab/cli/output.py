# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""How answers are printed: JSON and YAML as juju prints them, and plain tables."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

_COLOURS = {
    "active": "32",
    "started": "32",
    "idle": "32",
    "error": "31",
    "failed": "31",
    "lost": "31",
    "down": "31",
    "blocked": "31",
    "maintenance": "33",
    "waiting": "33",
    "executing": "33",
    "pending": "33",
    "allocating": "33",
}


def formatted(value: Any, style: str) -> str:
    """The value as `json` or `yaml`, ending in a newline."""
    if style == "json":
        return json.dumps(value, sort_keys=True, separators=(",", ":")) + "\n"
    import yaml  # slow to import, and most commands never need it

    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True)


def printed(value: Any, style: str) -> None:
    """Print the value as `json` or `yaml`."""
    sys.stdout.write(formatted(value, style))


def print_list(rows: Sequence[Sequence[str]], value: Any, style: str) -> None:
    """Print the rows as a table if the style is `tabular`, else the value as `json` or `yaml`."""
    if style == "tabular":
        sys.stdout.write(table(rows))
    else:
        printed(value, style)


def table(rows: Sequence[Sequence[str]], colour: bool = False) -> str:
    """Rows (the first is the heading) in columns two spaces apart, as juju aligns them."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines: list[str] = []
    for number, row in enumerate(rows):
        cells = [
            painted(cell, cell.ljust(width)) if colour and number else cell.ljust(width)
            for cell, width in zip(row, widths, strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines) + "\n"


def painted(word: str, text: str) -> str:
    """The text in juju's colour for the status `word`; other words have no colour."""
    code = _COLOURS.get(word)
    return f"\x1b[{code}m{text}\x1b[0m" if code else text
