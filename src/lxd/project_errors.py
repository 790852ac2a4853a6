# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""LXD's refusal of a network whose name the default project does not allow.

LXD shows no such network either, so it may exist.
"""

from __future__ import annotations

_REFUSED = "Network not allowed in project"


def with_cure(error: str) -> str:
    """The reason in few words. Any other error stays as it is."""
    return "default project restricts networks" if _REFUSED in error else error
