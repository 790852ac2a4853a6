# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Parameters of an action, as Juju's client reads them.

The client reads each value as YAML: `7` arrives as a number, `yes` as true, an empty value as null,
and `a.b=c` as a map in a map. Options from parameters mean the same as in `juju config`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from options.options import Options
from values.printable import escaped

MAPS = ("storage-pools", "networks", "network-config")
"""Options that are YAML maps: their keys may be typed with dots, `storage-pools.fast=zfs`."""

_KEYS = "config"
"""The key of such a map for LXD's own keys, which contain dots. All of `network-config` is like
that.
"""


_DEEPEST = 8
"""The maximum depth of maps and lists in a parameter: an option's map needs four."""


class BadParameter(Exception):  # noqa: N818 - it is the name of what happened
    """Juju's client did not read a parameter as text, or the parameter is not valid."""


def word(params: Mapping[str, Any], name: str) -> str:
    """A parameter as text, empty if it is not given. Raises BadParameter."""
    value = params.get(name)
    _limit(name, value)
    return _text(name, value)


def with_options(config: Mapping[str, Any], params: Mapping[str, Any]) -> Options:
    """The options of `config`, overridden by the options among the parameters.

    Raises BadParameter, pydantic's ValidationError.
    """
    values = {**config, **changed(config, params)}
    return Options.model_validate({name.replace("-", "_"): value for name, value in values.items()})


def as_read(config: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, object]:
    """The result that shows how the options among the parameters were understood."""
    lines = [f"{name}={value}" for name, value in changed(config, params).items()]
    return {"options": "\n".join(lines)} if lines else {}


def changed(config: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    """The options among the parameters, in the form of `juju config`. Raises BadParameter."""
    for name, value in params.items():
        _limit(name, value)
    return {name: _option(name, params[name], config) for name in sorted(params)}


def _limit(name: str, value: Any) -> None:
    """Raises BadParameter for a value that Python could neither traverse nor print."""
    todo: list[tuple[Any, int]] = [(value, 0)]
    while todo:
        part, depth = todo.pop()
        if depth > _DEEPEST:
            raise BadParameter(f"{escaped(name)}: use at most {_DEEPEST} levels")
        if isinstance(part, int) and part.bit_length() > 64:
            raise BadParameter(f"{escaped(name)}: that number is too large")
        if isinstance(part, str) and any("\ud800" <= c <= "\udfff" for c in part):
            raise BadParameter(f"{escaped(name)} has an incomplete character: type it again")
        todo += [(inner, depth + 1) for inner in _parts(part)]


def _parts(value: Any) -> list[Any]:
    """The keys and values of a map, the items of a list."""
    if isinstance(value, dict):
        mapping = cast("dict[str, Any]", value)
        return [*mapping, *mapping.values()]
    return cast("list[Any]", value) if isinstance(value, list) else []


def _option(name: str, value: Any, config: Mapping[str, Any]) -> Any:
    if name not in config:
        raise BadParameter(f"{escaped(name)}: there is no such option")
    if isinstance(value, dict) and name in MAPS:
        return _map(name, cast("dict[str, Any]", value))
    if isinstance(config[name], str):
        return _text(name, value)
    if isinstance(value, bool) and not isinstance(config[name], bool):
        raise BadParameter(f"{name}={str(value).lower()}: use a whole number")
    return "" if value is None else _no_map(name, value)


def _text(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return " ".join(_text(name, part) for part in cast("list[Any]", value))
    if isinstance(value, (bool, float)):
        # The charm cannot see what was typed: it may have been `on` or `yes`, 1.10 or 1.1.
        value_as_read = str(value).lower()
        raise BadParameter(
            f"{name} was read as {value_as_read}, not as text: put it in quotes: {name}=\"'...'\""
        )
    return str(_no_map(name, value))


def _no_map(name: str, value: Any) -> Any:
    if isinstance(value, dict):
        key = next(iter(cast("dict[str, Any]", value)), "")
        raise BadParameter(f"{name} is one value: type {name}=..., not {name}.{escaped(key)}=...")
    return value


def _map(name: str, value: Mapping[str, Any]) -> str:
    """The map as the option's YAML. JSON is valid YAML."""
    if name == "network-config":
        return json.dumps(_dotted(value))
    return json.dumps({key: _with_keys(fields) for key, fields in value.items()})


def _with_keys(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    fields = cast("dict[str, Any]", value)
    keys = fields.get(_KEYS)
    return {**fields, _KEYS: _dotted(cast("dict[str, Any]", keys))} if _is_map(keys) else fields


def _is_map(value: Any) -> bool:
    return isinstance(value, dict)


def _dotted(tree: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """`{"ipv4": {"nat": True}}` as `{"ipv4.nat": True}`."""
    dotted: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            dotted |= _dotted(cast("dict[str, Any]", value), f"{before}{key}.")
        else:
            dotted[before + key] = value
    return dotted
