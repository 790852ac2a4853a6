# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Whole numbers in texts that others have written."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"[0-9]{1,18}")
"""Python reads digits of every script, and refuses to read more than 4,300 of them."""


def whole(text: str) -> int | None:
    """The number in a text, None for anything else than up to 18 digits."""
    return int(text) if _NUMBER.fullmatch(text) else None
