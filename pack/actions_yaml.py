"""Keeps actions.yaml to the options: the action `plan` takes each of them as a parameter.

They have no type. Juju's client reads a parameter as YAML, so that text may arrive as a number, and
what a schema says of that helps nobody. They have no default either: what is not typed is as it is.
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
"""In the description of an option that is one."""
_WIDTH = 110


def written(actions: str, options: str) -> str:
    """The text of actions.yaml with the parameters that follow from that of config.yaml.

    Raises ValueError where the place for them is missing.
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
    """What the option is, without what else there is to know of it; of a map, how it is typed."""
    line = " ".join(str(option["description"]).split())
    first = re.split(r"(?<=\.) (?=[A-Z])", line)[0]
    if _MAP not in first:
        return {"description": first}
    what = f"{first.partition(_MAP)[0]}: {name}.KEY=VALUE, or the YAML map as quoted text."
    # Juju looks for the defaults in a map's properties, and fails where it has none.
    return {"description": what, "properties": {}}


def main() -> None:
    """Writes actions.yaml where it is not as it should be."""
    before = ACTIONS.read_text()
    after = written(before, OPTIONS.read_text())
    if after != before:
        ACTIONS.write_text(after)


if __name__ == "__main__":
    main()
