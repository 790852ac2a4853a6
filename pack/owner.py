# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Keeps .github/CODEOWNERS up to date with the account that metadata.yaml names.

The account is in one place, the address of the repository. Until somebody owns the project it is a
placeholder, and nothing can be published.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
METADATA, CODEOWNERS = ROOT / "metadata.yaml", ROOT / ".github" / "CODEOWNERS"
PLACEHOLDER = "OWNER"
_REPOSITORY = re.compile(r"https://[^/]+/([^/]+)/[^/]+")


def owner(metadata: str) -> str:
    """The account that the text of metadata.yaml names. Raises ValueError if it names none."""
    source = str(yaml.safe_load(metadata).get("source", ""))
    match = _REPOSITORY.fullmatch(source)
    if match is None:
        raise ValueError(f"metadata.yaml: source is {source!r}, not the address of a repository")
    return match[1]


def codeowners(metadata: str) -> str:
    """The text of CODEOWNERS that follows from the text of metadata.yaml."""
    return (
        "# From metadata.yaml: `make format` writes it. The owner reviews every change.\n"
        f"* @{owner(metadata)}\n"
    )


def main(arguments: Sequence[str]) -> int:
    """Writes CODEOWNERS; with `check` only says whether the owner is known. The exit code."""
    metadata = METADATA.read_text()
    if list(arguments) == ["check"]:
        if owner(metadata) != PLACEHOLDER:
            return 0
        print(f"metadata.yaml still has {PLACEHOLDER} where the owner of the repository belongs")
        return 1
    text = codeowners(metadata)
    if not CODEOWNERS.exists() or CODEOWNERS.read_text() != text:
        CODEOWNERS.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
