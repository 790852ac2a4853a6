# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""`python -m pack.terminal_picture`: what a command printed, as a picture of a terminal in SVG.

A forge shows the picture in the README, so it needs no script and no font from elsewhere.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

ADVANCE, LEADING = 7.6, 17
"""Pixels from one character to the next, and from one line to the next."""
_MARGIN, _BAR = 16, 30
_FONT = "ui-monospace, 'Ubuntu Mono', 'DejaVu Sans Mono', Menlo, Consolas, monospace"
_COLORS = {
    "active": "#7ee787",
    "waiting": "#e3b341",
    "maintenance": "#79c0ff",
    "blocked": "#ff7b72",
}
_STATUS = re.compile(rf"\b({'|'.join(_COLORS)})\b")


def picture(command: str, printed: str) -> str:
    """The SVG of a terminal in which `command` was typed and printed these lines."""
    lines = [f"$ {command}", *printed.rstrip().splitlines()]
    width = round(max(map(len, lines)) * ADVANCE) + 2 * _MARGIN
    height = len(lines) * LEADING + _BAR + 2 * _MARGIN
    buttons = "".join(
        f'<circle cx="{_MARGIN + 6 + 20 * n}" cy="{_BAR / 2:g}" r="6" fill="{color}"/>'
        for n, color in enumerate(("#ff5f57", "#febc2e", "#28c840"))
    )
    rows = "\n".join(
        f'<text x="{_MARGIN}" y="{_BAR + _MARGIN + LEADING * n:g}">{_colored(line)}</text>'
        for n, line in enumerate(lines, 1)
        if line
    )
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">
<title>{escape(command)}</title>
<rect width="{width}" height="{height}" rx="8" fill="#0d1117"/>
{buttons}
<g fill="#e6edf3" font-family={quoteattr(_FONT)} font-size="12.6" xml:space="preserve">
{rows}
</g>
</svg>
"""


def _colored(line: str) -> str:
    return _STATUS.sub(lambda m: f'<tspan fill="{_COLORS[m[1]]}">{m[1]}</tspan>', escape(line))


def main() -> int:
    """Writes the picture of what a file has."""
    parser = argparse.ArgumentParser(prog="python -m pack.terminal_picture")
    parser.add_argument("command", help="what stands behind the prompt")
    parser.add_argument("printed", type=Path, help="the file with what it printed")
    parser.add_argument("picture", type=Path, help="the SVG to write")
    arguments = parser.parse_args()
    arguments.picture.write_text(picture(arguments.command, arguments.printed.read_text()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
