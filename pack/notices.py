# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Adds the copyright notice to each Python file that has none."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOLDER = "The lxd-cluster authors"
"""The name that docs/conf.py has, too. LICENSE names nobody."""
NOTICE = f"# Copyright 2026 {HOLDER}\n# See LICENSE file for licensing details.\n"
FOLDERS = ("docs", "lab", "pack", "src", "tests")
HAS_NOTICE = re.compile(
    rf"^# Copyright \d{{4}} {re.escape(HOLDER)}\n# See LICENSE file for licensing details\.$",
    re.MULTILINE,
)
"""The same pattern as `notice-rgx` in pyproject.toml. Another year is as good."""


def with_notice(text: str) -> str:
    """The Python source with the notice: before its docstring, after its first line if that is #!.

    An empty source stays empty, and one that has the notice stays as it is.
    """
    if not text.strip() or HAS_NOTICE.search(text):
        return text
    first, feed, rest = text.partition("\n") if text.startswith("#!") else ("", "", text)
    rest = rest.lstrip("\n")
    return f"{first}{feed}{NOTICE}\n{rest}" if rest else f"{first}\n{NOTICE}"


def sources(root: Path) -> Iterator[Path]:
    """The project's Python files, sorted. Charm libraries are other projects' files."""
    for folder in FOLDERS:
        yield from sorted((root / folder).rglob("*.py"))


def main(root: Path) -> int:
    """Adds the notice where it is missing, and names these files. The exit code."""
    for path in sources(root):
        text = path.read_text(encoding="utf-8")
        if (noticed := with_notice(text)) != text:
            path.write_text(noticed, encoding="utf-8")
            print(path.relative_to(root))
    return 0


if __name__ == "__main__":
    sys.exit(main(ROOT))
