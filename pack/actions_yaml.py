# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Keeps actions.yaml up to date: the action `plan` takes each option as a parameter.

The parameters have no type. Juju's client reads a parameter as YAML, so text may arrive as a
number, and the error message of a schema would not help. They have no default either: an option
that is not typed keeps its value.
"""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
ACTIONS, OPTIONS = ROOT / "actions.yaml", ROOT / "config.yaml"
_BEFORE = "  params:\n    # From config.yaml: `make format` writes them.\n"
_AFTER = "  additionalProperties: false\n"
_MAP = ", as a YAML map"
"""These words are in the description of an option that is a map."""
_WIDTH = 110


def written(actions: str, options: str) -> str:
    """The text of actions.yaml with the parameters that follow from the text of config.yaml.

    Raises ValueError if the place for them is missing.
    """
    before, marker, rest = actions.partition(_BEFORE)
    _, end, after = rest.partition(_AFTER)
    if not marker or not end:
        raise ValueError(f"{ACTIONS.name} has no place for the options: {_BEFORE.strip()}")
    return before + marker + _parameters(options) + end + after


def _parameters(options: str) -> str:
    told: dict[str, dict[str, Any]] = yaml.safe_load(options)["options"]
    found = {name: _parameter(name, option) for name, option in told.items()}
    text = yaml.safe_dump(found, sort_keys=False, width=_WIDTH, allow_unicode=True)
    return textwrap.indent(text, " " * 4)


def _parameter(name: str, option: dict[str, Any]) -> dict[str, Any]:
    """The first sentence of the option's description; for a map, also how to type it."""
    line = " ".join(str(option["description"]).split())
    first = re.split(r"(?<=\.) (?=[A-Z])", line)[0]
    if _MAP not in first:
        return {"description": first}
    what = f"{first.partition(_MAP)[0]}: {name}.KEY=VALUE, or the YAML map as quoted text."
    # Juju looks for defaults in a map's properties, and fails if the map has none.
    return {"description": what, "properties": {}}


def main() -> None:
    """Writes actions.yaml if it is out of date."""
    before = ACTIONS.read_text()
    after = written(before, OPTIONS.read_text())
    if after != before:
        ACTIONS.write_text(after)


if __name__ == "__main__":
    main()
