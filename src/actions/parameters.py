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


class Misread(Exception):  # noqa: N818 - it is the name of what happened
    """The client did not read a parameter as text, or the parameter makes no sense."""


def word(params: Mapping[str, Any], name: str) -> str:
    """A parameter as text, empty if it is not given. Raises Misread."""
    told = params.get(name)
    _limit(name, told)
    return _text(name, told)


def with_options(config: Mapping[str, Any], params: Mapping[str, Any]) -> Options:
    """The options of `config`, overridden by the options among the parameters.

    Raises Misread, pydantic's ValidationError.
    """
    values = {**config, **changed(config, params)}
    return Options.model_validate({name.replace("-", "_"): told for name, told in values.items()})


def as_read(config: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, object]:
    """The result that shows how the options among the parameters were understood."""
    shown = [f"{name}={told}" for name, told in changed(config, params).items()]
    return {"options": "\n".join(shown)} if shown else {}


def changed(config: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    """The options among the parameters, in the form of `juju config`. Raises Misread."""
    for name, told in params.items():
        _limit(name, told)
    return {name: _option(name, params[name], config) for name in sorted(params)}


def _limit(name: str, told: Any) -> None:
    """Raises Misread for a value that Python could neither traverse nor print."""
    todo: list[tuple[Any, int]] = [(told, 0)]
    while todo:
        part, depth = todo.pop()
        if depth > _DEEPEST:
            raise Misread(f"{escaped(name)}: use at most {_DEEPEST} levels")
        if isinstance(part, int) and part.bit_length() > 64:
            raise Misread(f"{escaped(name)}: that number is too large")
        if isinstance(part, str) and any("\ud800" <= c <= "\udfff" for c in part):
            raise Misread(f"{escaped(name)} has half a character: type it again")
        if isinstance(part, dict):
            found = cast("dict[str, Any]", part)
            todo += [(inner, depth + 1) for inner in (*found, *found.values())]
        elif isinstance(part, list):
            todo += [(inner, depth + 1) for inner in cast("list[Any]", part)]


def _option(name: str, told: Any, config: Mapping[str, Any]) -> Any:
    if name not in config:
        raise Misread(f"{escaped(name)}: there is no such option")
    if isinstance(told, dict) and name in MAPS:
        return _map(name, cast("dict[str, Any]", told))
    if isinstance(config[name], str):
        return _text(name, told)
    if isinstance(told, bool) and not isinstance(config[name], bool):
        raise Misread(f"{name}={str(told).lower()}: use a whole number")
    return "" if told is None else _no_map(name, told)


def _text(name: str, told: Any) -> str:
    if told is None:
        return ""
    if isinstance(told, list):
        return " ".join(_text(name, part) for part in cast("list[Any]", told))
    if isinstance(told, (bool, float)):
        # The typed text is lost: it may have been `on` or `yes`, 1.10 or 1.1.
        shown = str(told).lower()
        raise Misread(
            f"{name} was read as {shown}, not as text: put it in quotes: {name}=\"'...'\""
        )
    return str(_no_map(name, told))


def _no_map(name: str, told: Any) -> Any:
    if isinstance(told, dict):
        key = next(iter(cast("dict[str, Any]", told)), "")
        raise Misread(f"{name} is one value: type {name}=..., not {name}.{escaped(key)}=...")
    return told


def _map(name: str, told: Mapping[str, Any]) -> str:
    """The map as the option's YAML. JSON is valid YAML."""
    if name == "network-config":
        return json.dumps(_dotted(told))
    return json.dumps({key: _with_keys(value) for key, value in told.items()})


def _with_keys(told: Any) -> Any:
    if not isinstance(told, dict):
        return told
    fields = cast("dict[str, Any]", told)
    keys = fields.get(_KEYS)
    return {**fields, _KEYS: _dotted(cast("dict[str, Any]", keys))} if _is_map(keys) else fields


def _is_map(told: Any) -> bool:
    return isinstance(told, dict)


def _dotted(told: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """`{"ipv4": {"nat": True}}` as `{"ipv4.nat": True}`."""
    found: dict[str, Any] = {}
    for key, value in told.items():
        if isinstance(value, dict):
            found |= _dotted(cast("dict[str, Any]", value), f"{before}{key}.")
        else:
            found[before + key] = value
    return found
