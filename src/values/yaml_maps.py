"""YAML maps that operators type into options."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, cast

LONGEST = 32_768
"""Characters of a text. Python's own parser takes a second for as many."""
LONGEST_VALUE = 4096
"""Characters of one key or value: Python refuses to write numbers that are longer."""
MOST = 2000
"""Keys and values, each counted as often as an alias repeats it."""
DEEPEST = 8
"""Maps and lists in one another. The options take four."""

_KEY = re.compile(r"[a-z][a-z0-9_.-]*")
_UNWRITABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
"""Control characters, but for those that are in texts of several lines; and lone surrogates."""


def mapping(text: str, otherwise: str) -> Mapping[Any, Any]:
    """A YAML map. Raises ValueError, with `otherwise` for YAML that is no map."""
    return _map(_yaml(text), otherwise)


@lru_cache
def _yaml(text: str) -> Any:
    """What a text says, for all that ask: not to be changed. A hook asks a dozen times."""
    import yaml

    if len(text) > LONGEST:
        raise ValueError(f"use at most {LONGEST} characters")
    try:
        # It is untyped.
        loader: Any = yaml.SafeLoader(text)
        node = loader.get_single_node()
        _limit(node)
        return None if node is None else loader.construct_document(node)
    except _TooMuch as error:
        raise ValueError(str(error)) from error
    except (yaml.YAMLError, ValueError, ArithmeticError) as error:
        raise ValueError("that is no YAML") from error
    except (LookupError, AttributeError, TypeError, RecursionError) as error:
        # PyYAML lets these out where a tag does not fit its value: `!!bool x`, `!!int ''`.
        raise ValueError("that is no YAML") from error


class _TooMuch(Exception):  # noqa: N818 - it is the name of what happened
    """YAML that is more than any option needs, or other. The message is for the operator."""


def _limit(root: Any) -> None:
    """Raises _TooMuch before anything is built: what aliases repeat is still one node here."""
    todo: list[tuple[Any, int]] = [(root, 0)] if root is not None else []
    count = 0
    while todo:
        node, depth = todo.pop()
        count += 1
        if depth > DEEPEST:
            raise _TooMuch(f"use at most {DEEPEST} levels")
        if count > MOST:
            raise _TooMuch(f"use at most {MOST} keys and values")
        if isinstance(node.value, list):
            parts = cast("list[Any]", node.value)
            for part in parts:
                # A map's are pairs.
                inner = cast("tuple[Any, ...]", part if isinstance(part, tuple) else (part,))
                todo += [(node, depth + 1) for node in inner]
        elif len(node.value) > LONGEST_VALUE:
            raise _TooMuch(f"use at most {LONGEST_VALUE} characters in a value")
        elif _UNWRITABLE.search(node.value):
            raise _TooMuch("use no control characters")


def _map(value: Any, otherwise: str) -> Mapping[Any, Any]:
    if value is not None and not isinstance(value, dict):
        raise ValueError(otherwise)
    return cast("Mapping[Any, Any]", value or {})


def fields(value: Any, short: str) -> Mapping[str, Any]:
    """What is said of one thing: a map, or the one word that `short` is about."""
    return cast("Mapping[str, Any]", value if isinstance(value, dict) else {short: value})


def text(value: Any) -> str:
    """A word or number, or a list of them apart by spaces. Empty for nothing."""
    parts = cast("list[Any]", value if isinstance(value, list) else [value])
    return " ".join(_value(part) for part in parts if part is not None)


def words(value: str) -> tuple[str, ...]:
    """The words of a list, apart by spaces or commas."""
    return tuple(filter(None, re.split(r"[\s,]+", value)))


def keys(config: Any, ours: tuple[str, ...]) -> dict[str, str]:
    """LXD's own keys and their values. Raises ValueError for those that begin as `ours` do."""
    found = _map(config, "config is a map of LXD's keys")
    for key, value in found.items():
        if not isinstance(key, str) or not _KEY.fullmatch(key) or key.startswith(ours):
            raise ValueError(f"config cannot have {str(key)[:20]}")
        if not isinstance(value, (str, int, float)) or _UNWRITABLE.search(_value(value)):
            raise ValueError(f"config: {key[:20]} is a word, a number or a text")
    return {key: _value(value) for key, value in found.items()}


def _value(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
