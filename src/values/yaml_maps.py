# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""YAML maps in options."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, cast

LONGEST = 32_768
"""The maximum length of a text. Python's own parser needs a second for as many characters."""
LONGEST_VALUE = 4096
"""The maximum length of one key or value: Python refuses to print longer numbers."""
MOST = 2000
"""The maximum number of keys and values, where each repetition by an alias counts."""
DEEPEST = 8
"""The maximum depth of maps and lists. The options need four."""

_KEY = re.compile(r"[a-z][a-z0-9_.-]*")
_UNWRITABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
"""Control characters, except those in texts of several lines; and lone surrogates."""


def mapping(text: str, otherwise: str) -> Mapping[Any, Any]:
    """A YAML map. Raises ValueError, with the message `otherwise` for YAML that is not a map."""
    return _map(_yaml(text), otherwise)


@lru_cache
def _yaml(text: str) -> Any:
    """The value of a text, shared by all callers: do not change it. A hook asks a dozen times."""
    import yaml

    if len(text) > LONGEST:
        raise ValueError(f"use at most {LONGEST} characters")
    try:
        _limit_depth(yaml, text)
        # The library has no types.
        loader: Any = yaml.SafeLoader(text)
        node = loader.get_single_node()
        _limit(node)
        return None if node is None else loader.construct_document(node)
    except _TooMuch as error:
        raise ValueError(str(error)) from error
    except (yaml.YAMLError, ValueError, ArithmeticError) as error:
        raise ValueError("that is not YAML") from error
    except (LookupError, AttributeError, TypeError, RecursionError) as error:
        # PyYAML raises these if a tag does not fit its value: `!!bool x`, `!!int ''`.
        raise ValueError("that is not YAML") from error


class _TooMuch(Exception):  # noqa: N818 - it is the name of what happened
    """YAML that is larger than any option needs, or different. The message is for the operator."""


def _limit_depth(yaml: Any, text: str) -> None:
    """Raises _TooMuch at the first level that is too deep.

    Each level costs the library more than the one before: a second for a few thousand brackets.
    """
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEEPEST:
            raise _TooMuch(f"use at most {DEEPEST} levels")


def _limit(root: Any) -> None:
    """Raises _TooMuch before anything is built: repetitions by aliases are still one node here."""
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
            todo += [(child, depth + 1) for child in _children(parts)]
        else:
            _limit_text(node.value)


def _children(parts: list[Any]) -> list[Any]:
    """The nodes in a list, or in a map: there they are pairs."""
    children: list[Any] = []
    for part in parts:
        children += cast("tuple[Any, ...]", part) if isinstance(part, tuple) else (part,)
    return children


def _limit_text(text: str) -> None:
    if len(text) > LONGEST_VALUE:
        raise _TooMuch(f"use at most {LONGEST_VALUE} characters in a value")
    if _UNWRITABLE.search(text):
        raise _TooMuch("use no control characters")


def _map(value: Any, otherwise: str) -> Mapping[Any, Any]:
    if value is not None and not isinstance(value, dict):
        raise ValueError(otherwise)
    return cast("Mapping[Any, Any]", value or {})


def fields(value: Any, short: str) -> Mapping[str, Any]:
    """The fields of one object: a map, or the one word for the field `short`."""
    return cast("Mapping[str, Any]", value if isinstance(value, dict) else {short: value})


def text(value: Any) -> str:
    """A word or number, or a list of them separated by spaces. Empty for nothing."""
    parts = cast("list[Any]", value if isinstance(value, list) else [value])
    return " ".join(_value(part) for part in parts if part is not None)


def words(value: str) -> tuple[str, ...]:
    """The words of a list, separated by spaces or commas."""
    return tuple(filter(None, re.split(r"[\s,]+", value)))


def keys(config: Any, ours: tuple[str, ...]) -> dict[str, str]:
    """LXD's own keys and their values. Raises ValueError for those that begin like `ours`."""
    pairs = _map(config, "config must be a map of LXD's keys")
    for key, value in pairs.items():
        if not isinstance(key, str) or not _KEY.fullmatch(key) or key.startswith(ours):
            raise ValueError(f"config cannot have {str(key)[:30]}")
        if not isinstance(value, (str, int, float)) or _UNWRITABLE.search(_value(value)):
            raise ValueError(f"config: {key[:20]} must be a word, a number or a text")
    return {key: _value(value) for key, value in pairs.items()}


def _value(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
