"""Versions of LXD as text: what counts of them, and how they compare."""

from __future__ import annotations

import re
from functools import lru_cache

UNKNOWN = "unknown"
"""The version of a file that says none."""
_NUMBER = re.compile(r"\d+(\.\d+)+")
_BUCKETS_END = (6, 8)
"""From this version on LXD does not start while a bucket is on a member's own disks."""


def number(version: str) -> str:
    """What counts of a version: 5.21.7 of 5.21.7-1f23abc. Empty of one built between releases."""
    match = _NUMBER.match(version)
    return match[0] if match else ""


def told(version: str) -> str:
    """A version as an operator is told it."""
    return number(version) or version


@lru_cache
def ordered(version: str) -> tuple[int, ...]:
    """A version as it compares with others; that of no release is empty."""
    return tuple(int(part) for part in number(version).split(".") if part)


def same(one: str, other: str) -> bool:
    """Whether two versions are one. Those of no release are never."""
    return bool(number(one)) and ordered(one) == ordered(other)


def changes_database(before: str, after: str) -> bool:
    """Whether an LXD may change the database of another for good: releases of one series do not."""
    return not number(after) or ordered(before)[:2] != ordered(after)[:2]


def ends_buckets(before: str, after: str) -> bool:
    """Whether buckets on members' own disks keep the later LXD from starting."""
    return ordered(before) < _BUCKETS_END <= ordered(after)
