"""Frozen dataclasses that are made in a third of the time. They stay frozen, and mean the same.

Python makes them by one call of `object.__setattr__` for each field, and a changed copy by
`getattr` for each and all those calls again.
"""

from __future__ import annotations

import dataclasses
import sys
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

_OURS = tuple(str(Path(__file__).parents[2] / folder) for folder in ("src/", "lab/", "tests/"))
_real_replace = dataclasses.replace
_MISSING = object()


@lru_cache(maxsize=1)
def install() -> None:
    """Makes the values of all modules of this project quick to make."""
    for module in list(sys.modules.values()):
        if not str(getattr(module, "__file__", "")).startswith(_OURS):
            continue
        for value in list(vars(module).values()):
            if isinstance(value, type) and value.__module__ == module.__name__:
                _quicken(value)
        _take_place(module)


def _take_place(module: ModuleType) -> None:
    if getattr(module, "replace", None) is _real_replace:
        module.replace = replace  # pyright: ignore[reportAttributeAccessIssue]


def _quicken(kind: type) -> None:
    params: Any = kind.__dict__.get("__dataclass_params__")
    if params is not None and params.frozen and params.init and _names(kind):
        kind.__init__ = _init_of(kind)  # pyright: ignore[reportAttributeAccessIssue]


def _init_of(kind: Any) -> Any:
    """An `__init__` that takes what the class's own takes."""
    fields = dataclasses.fields(kind)
    known: dict[str, Any] = {"_MISSING": _MISSING}
    plain = [_parameter(field, known) for field in fields if not field.kw_only]
    named = [_parameter(field, known) for field in fields if field.kw_only]
    parameters = ", ".join(["self", *plain, *(["*", *named] if named else [])])
    lines = [f"    _held[{field.name!r}] = {_value(field)}" for field in fields]
    text = "\n".join([f"def __init__({parameters}):", "    _held = self.__dict__", *lines])
    exec(text, known)
    return known["__init__"]


def _parameter(field: dataclasses.Field[Any], known: dict[str, Any]) -> str:
    if field.default is not dataclasses.MISSING:
        known[f"_default_{field.name}"] = field.default
        return f"{field.name}=_default_{field.name}"
    if field.default_factory is not dataclasses.MISSING:
        known[f"_make_{field.name}"] = field.default_factory
        return f"{field.name}=_MISSING"
    return field.name


def _value(field: dataclasses.Field[Any]) -> str:
    name = field.name
    if field.default_factory is dataclasses.MISSING:
        return name
    return f"_make_{name}() if {name} is _MISSING else {name}"


@lru_cache(maxsize=1024)
def _names(kind: Any) -> tuple[str, ...]:
    """The fields of a dataclass that holds them in its `__dict__` and does no more at its begin."""
    if hasattr(kind, "__post_init__") or hasattr(kind, "__slots__"):
        return ()
    every: Any = kind.__dataclass_fields__.values()
    fields = dataclasses.fields(kind)
    if len(fields) != len(every) or not all(field.init for field in fields):
        return ()
    return tuple(field.name for field in fields)


def replace(value: Any, /, **changes: Any) -> Any:
    """As dataclasses.replace."""
    kind = value.__class__
    names = _names(kind)
    if not names:
        return _real_replace(value, **changes)
    new = kind.__new__(kind)
    known, before = new.__dict__, value.__dict__
    if len(before) == len(names):
        known.update(before)
    else:
        # What a property has cached follows from the fields.
        known.update({name: before[name] for name in names})
    known.update(changes)
    if len(known) != len(names):
        raise TypeError(f"{kind.__name__} has no field {set(known) - set(names)}")
    return new
