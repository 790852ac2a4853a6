# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Keeps the pages that list options and actions up to date with config.yaml and actions.yaml.

This module writes the part of each page between two comments. The rest of the page is written by
hand, and stays.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
_BEGIN = "<!-- From {source}: `make format` writes it. -->"
_END = "<!-- The end of what is written. -->"
_CODE = re.compile(r"(`[^`]+`)")
_SPECIAL = re.compile(r"([*_<>|\[\]])")


def options(text: str) -> str:
    """A section for each option of config.yaml: its type, its default and its description."""
    found: Mapping[str, Mapping[str, Any]] = yaml.safe_load(text)["options"]
    return "\n\n".join(_option(name, option) for name, option in found.items())


def actions(text: str) -> str:
    """A section for each action of actions.yaml: its description and its parameters."""
    found: Mapping[str, Mapping[str, Any]] = yaml.safe_load(text)
    return "\n\n".join(_action(name, action) for name, action in found.items())


def written(page: str, source: str, listed: str) -> str:
    """The text of a page with the part that follows from `source`.

    Raises ValueError if the place for it is missing.
    """
    begin = _BEGIN.format(source=source)
    before, marker, rest = page.partition(begin)
    _, end, after = rest.partition(_END)
    if not marker or not end:
        raise ValueError(f"no place for what follows from {source}: {begin} ... {_END}")
    return f"{before}{marker}\n\n{listed}\n\n{end}{after}"


PAGES: Mapping[str, tuple[str, Callable[[str], str]]] = {
    "docs/reference/options.md": ("config.yaml", options),
    "docs/reference/actions.md": ("actions.yaml", actions),
}
"""By page: the source file, and the function that makes the text."""


def expected(page: str) -> str:
    """The correct text of a page. Raises ValueError if it has no place for the list."""
    source, listed = PAGES[page]
    return written((ROOT / page).read_text(), source, listed((ROOT / source).read_text()))


def _option(name: str, option: Mapping[str, Any]) -> str:
    default = _default(option["default"])
    return f"### `{name}`\n\n{option['type']}, {default}\n\n{_prose(option['description'])}"


def _default(value: Any) -> str:
    if isinstance(value, bool):
        return f"default `{str(value).lower()}`"
    return f"default `{value}`" if value != "" else "empty by default"


def _action(name: str, action: Mapping[str, Any]) -> str:
    parts = [f"### `{name}`", _prose(action["description"])]
    given: Mapping[str, Mapping[str, Any]] = action.get("params", {})
    if name == "plan":
        parts.append("Parameters: every option, by its name.")
    elif given:
        required = action.get("required", [])
        rows = [_parameter(key, value, required) for key, value in given.items()]
        parts.append("\n".join(["| parameter | | |", "|---|---|---|", *rows]))
    return "\n\n".join(parts)


def _parameter(name: str, parameter: Mapping[str, Any], required: list[str]) -> str:
    needed = "required" if name in required else "optional"
    return f"| `{name}` | {needed} | {_prose(parameter['description'])} |"


def _prose(description: str) -> str:
    """A description as Markdown: one line, where only code has a special meaning."""
    parts = _CODE.split(" ".join(description.split()))
    return "".join(part if part.startswith("`") else _SPECIAL.sub(r"\\\1", part) for part in parts)


def main() -> None:
    """Writes the pages that are out of date."""
    for page in PAGES:
        path = ROOT / page
        after = expected(page)
        if after != path.read_text():
            path.write_text(after)


if __name__ == "__main__":
    main()
