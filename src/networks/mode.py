"""The shape of a network mode."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Subnets:
    """What the operator asked of the default network's addresses."""

    ipv4: str
    ipv6: str
    nat: bool


def _no_config(_: Subnets) -> dict[str, str]:
    return {}


@dataclass(frozen=True)
class Mode:
    """One row of the table. `type` is LXD's network type, empty where LXD manages none."""

    name: str
    type: str = ""
    config: Callable[[Subnets], dict[str, str]] = _no_config


def drift(wanted: Mapping[str, str], actual: Mapping[str, str]) -> dict[str, str]:
    """The keys of `wanted` that `actual` does not fulfil.

    `auto` was resolved by LXD when it was first applied: any address fulfils it.
    """
    return {key: value for key, value in wanted.items() if not _fulfils(value, actual.get(key, ""))}


def _fulfils(wanted: str, actual: str) -> bool:
    if wanted == "auto":
        return actual not in ("", "none")
    return wanted == actual
