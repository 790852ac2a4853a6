# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Makes a simulation fast without a change of its results."""

from __future__ import annotations

import base64
import dataclasses
import gc
import ipaddress
import logging
import sys
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from typing import Any

import ops
from pydantic import BaseModel

from act import token_sealing
from charm import LxdClusterCharm
from hooks import input_reader
from host import capabilities
from state import peers
from values import public_keys

_SEEDS = 50
"""The number of simulations between two garbage collections."""


class _Sealing:
    """HPKE's promise without its cost: sealed text shows nothing and only one key opens it."""

    def __init__(self) -> None:
        self.keys = 0
        self.sealed: list[tuple[str, str, str]] = []

    def new_key(self) -> bytes:
        self.keys += 1
        return b"key %d" % self.keys

    def seal(self, text: str, public: str, purpose: str) -> str:
        if not public_keys.is_key(public):
            raise token_sealing.SealError(f"not a public key: {public}")
        self.sealed.append((text, public, purpose))
        return f"sealed {len(self.sealed) - 1}"

    def unseal(self, sealed: str, private: bytes, purpose: str) -> str:
        number = sealed.removeprefix("sealed ")
        if number.isdigit() and int(number) < len(self.sealed):
            text, public, what_for = self.sealed[int(number)]
            if (public, what_for) == (_public_half(private), purpose):
                return text
        raise token_sealing.SealError("the token is not sealed to this unit")


def _public_half(private: bytes) -> str:
    """A key of the right form: units refuse others."""
    return base64.b64encode(private.ljust(32)).decode()


_real_load = peers.load
loaded: dict[Any, Any] = {}
"""By kind and text: every databag that was read."""
_real_load_config = ops.CharmBase.load_config
options: dict[Any, Any] = {}
"""By kind and values: all options that were read."""
_runs = 0
_real_copy = BaseModel.model_copy


def _load(kind: Any, databag: Mapping[str, str]) -> Any:
    """Reading a databag again gives the same values, which never change."""
    key = (kind, *databag.items())
    found = loaded.get(key)
    if found is None:
        found = loaded[key] = _real_load(kind, databag)
    return found


def _model_copy(self: Any, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Any:
    """As pydantic's for a model without extra values. Its fields hold nothing that changes."""
    if deep or self.__pydantic_extra__ is not None:
        return _real_copy(self, update=update, deep=deep)
    new = object.__new__(self.__class__)
    private = self.__pydantic_private__
    keep = object.__setattr__
    keep(new, "__dict__", {**self.__dict__, **update} if update else self.__dict__.copy())
    keep(new, "__pydantic_extra__", None)
    names = self.__pydantic_fields_set__
    if update and not update.keys() <= names:
        names = {*names, *update}
    # Nothing changes the set of a value that never changes.
    keep(new, "__pydantic_fields_set__", names)
    keep(new, "__pydantic_private__", private and private.copy())
    return new


_real_replace = dataclasses.replace


@cache
def _fields(kind: Any) -> set[str] | None:
    """The fields of a frozen dataclass that only stores them, None for any other class."""
    settings: Any = getattr(kind, "__dataclass_params__", None)
    if settings is None or not settings.frozen:
        return None
    fields = dataclasses.fields(kind)
    more = len(kind.__dataclass_fields__) > len(fields) or not all(f.init for f in fields)
    # A generated __init__ is in no file.
    own_code = hasattr(kind, "__post_init__") or kind.__init__.__code__.co_filename != "<string>"
    return None if more or own_code or hasattr(kind, "__slots__") else {f.name for f in fields}


def replace(thing: Any, /, **changes: Any) -> Any:
    """As the standard one. A value that only stores its fields is copied as one dictionary."""
    names = _fields(thing.__class__)
    if names is None or not names.issuperset(changes):
        return _real_replace(thing, **changes)
    new = object.__new__(thing.__class__)
    values = thing.__dict__
    if len(values) > len(names):
        # A cached property is of the old value only.
        values = {name: value for name, value in values.items() if name in names}
    object.__setattr__(new, "__dict__", {**values, **changes})
    return new


# Most modules import the function by its name.
for _module in list(sys.modules.values()):
    if vars(_module).get("replace") is _real_replace:
        _module.replace = replace  # pyright: ignore[reportAttributeAccessIssue]

_FEW = 3
"""A value with so few fields is made faster one field after the other."""


def stored(kind: type[Any]) -> Callable[..., None]:
    """The __init__ of a frozen dataclass that stores all fields at once, as one dictionary.

    The generated one calls a function for each field.
    """
    parameters: list[str] = []
    values: list[str] = []
    scope: dict[str, Any] = {"keep": object.__setattr__, "nothing": dataclasses.MISSING}
    for field in dataclasses.fields(kind):
        name, value, default = field.name, field.name, ""
        if field.default_factory is not dataclasses.MISSING:
            scope[f"make_{name}"] = field.default_factory
            default, value = "=nothing", f"make_{name}() if {name} is nothing else {name}"
        elif field.default is not dataclasses.MISSING:
            scope[f"default_{name}"] = field.default
            default = f"=default_{name}"
        parameters.append(name + default)
        values.append(f"{name!r}: {value}")
    head = f"def __init__(self, {', '.join(parameters)}):"
    exec(f"{head} keep(self, '__dict__', {{{', '.join(values)}}})", scope)
    return scope["__init__"]


def _is_large(value: object) -> bool:
    """Whether it is a class of frozen values that only stores its fields, and has many."""
    if not isinstance(value, type) or "__init__" not in vars(value):
        return False
    names = _fields(value)
    kw_only = any(f.kw_only for f in dataclasses.fields(value)) if names else True
    return names is not None and len(names) > _FEW and not kw_only


for _module in list(sys.modules.values()):
    for _value in list(vars(_module).values()):
        if _is_large(_value):
            _value.__init__ = stored(_value)

# Addresses never change, and are read again and again.
ipaddress.ip_address = lru_cache(maxsize=4096)(ipaddress.ip_address)
ipaddress.ip_network = lru_cache(maxsize=4096)(ipaddress.ip_network)
ipaddress.ip_interface = lru_cache(maxsize=4096)(ipaddress.ip_interface)


def _load_config(self: Any, kind: Any, **more: Any) -> Any:
    """Reading the same options again gives the same values, which never change."""
    key = (kind, *((name, value.__class__, value) for name, value in self.config.items()))
    found = options.get(key)
    if found is None:
        found = options[key] = _real_load_config(self, kind, **more)
    return found


def _all_drivers(drivers: frozenset[str]) -> frozenset[str]:
    return drivers


def _never() -> bool:
    return False


def _unknown() -> None:
    return None


def reset() -> None:
    """Begins a simulation: nothing from an earlier one must change its course."""
    global _runs  # noqa: PLW0603
    if not _runs:
        # What is loaded now stays until the end: a collection need not look at it.
        gc.collect()
        gc.freeze()
    gc.disable()
    _runs += 1
    if _runs % _SEEDS == 0:
        # Databags of another seed have other tokens and times: they would only use memory.
        loaded.clear()
        options.clear()
        gc.collect()
    sealing = _Sealing()
    token_sealing.new_key = sealing.new_key
    token_sealing.public_half = _public_half
    token_sealing.seal = sealing.seal
    token_sealing.unseal = sealing.unseal
    # The simulated machines have all drivers, whatever the kernel under the simulation has.
    capabilities.usable = _all_drivers
    capabilities.in_container = _never
    capabilities.zfs = _unknown
    # The only place that the charm calls it from.
    input_reader.load = _load
    LxdClusterCharm.load_config = _load_config  # pyright: ignore[reportAttributeAccessIssue]
    peers.UnitData.model_copy = _model_copy
    logging.disable(logging.CRITICAL)
