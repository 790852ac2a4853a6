"""YAML maps that operators type into options."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, cast

_KEY = re.compile(r"[a-z][a-z0-9_.-]*")


def mapping(text: str, otherwise: str) -> Mapping[Any, Any]:
    """A YAML map. Raises ValueError, with `otherwise` for YAML that is no map."""
    return _map(_yaml(text), otherwise)


@lru_cache
def _yaml(text: str) -> Any:
    """What a text says, for all that ask: not to be changed. A hook asks a dozen times."""
    import yaml

    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ValueError("that is no YAML") from error


def _map(told: Any, otherwise: str) -> Mapping[Any, Any]:
    if told is not None and not isinstance(told, dict):
        raise ValueError(otherwise)
    return cast("Mapping[Any, Any]", told or {})


def fields(told: Any, short: str) -> Mapping[str, Any]:
    """What is said of one thing: a map, or the one word that `short` is about."""
    return cast("Mapping[str, Any]", told if isinstance(told, dict) else {short: told})


def text(told: Any) -> str:
    """A word or number, or a list of them apart by spaces. Empty for nothing."""
    parts = cast("list[Any]", told if isinstance(told, list) else [told])
    return " ".join(_value(part) for part in parts if part is not None)


def words(value: str) -> tuple[str, ...]:
    """The words of a list, apart by spaces or commas."""
    return tuple(filter(None, re.split(r"[\s,]+", value)))


def keys(told: Any, ours: tuple[str, ...]) -> dict[str, str]:
    """LXD's own keys and their values. Raises ValueError for those that begin as `ours` do."""
    found = _map(told, "config is a map of LXD's keys")
    for key in found:
        if not isinstance(key, str) or not _KEY.fullmatch(key) or key.startswith(ours):
            raise ValueError(f"config cannot have {str(key)[:20]}")
    return {key: _value(value) for key, value in found.items()}


def _value(told: Any) -> str:
    return str(told).lower() if isinstance(told, bool) else str(told)
