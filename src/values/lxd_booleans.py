# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The words for yes and no in LXD's configuration. LXD stores them as an operator writes them."""

from __future__ import annotations

_TRUE = frozenset({"true", "1", "yes", "on"})
_FALSE = frozenset({"false", "0", "no", "off"})


def is_true(value: str) -> bool:
    """Whether LXD takes a value for yes: these words, in any case (`shared.IsTrue`)."""
    return value.lower() in _TRUE


def is_false(value: str) -> bool:
    """Whether LXD takes a value for no."""
    return value.lower() in _FALSE
