# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Times and durations in Juju's formats."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from functools import lru_cache

_SPAN = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


@lru_cache(maxsize=1024)
def timestamp(moment: float) -> str:
    """A time as in goal-state and status-get: RFC 3339 with a space, UTC."""
    return datetime.fromtimestamp(moment, timezone.utc).strftime("%Y-%m-%d %H:%M:%SZ")


def status_time(moment: float) -> str:
    """A time as in `juju status --format json --utc`: `02 Jan 2006 15:04:05Z`."""
    return datetime.fromtimestamp(moment, timezone.utc).strftime("%d %b %Y %H:%M:%SZ")


def span(text: str) -> float:
    """Seconds in a Go duration such as `5m` or `1h30m`. Raises ValueError for anything else."""
    parts = _SPAN.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f'time: invalid duration "{text}"')
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)
