# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""LXD's refusals to make a pool or a network because a machine has a folder or interface for it."""

from __future__ import annotations

import re

_TAKEN = re.compile(
    r"^(?:failed to notify peer (\S+):\d+: "
    r'|Failed notifying cluster member "([^"]+)" at "[^"]*": )?'
    r'(?:Network interface|Storage pool directory) "[^"]+" already exists$'
)
"""From 5.0, from later LXDs, and about this machine."""


def with_cure(error: str) -> str:
    """Names the machine and what helps, in a few words. Any other error stays as it is."""
    match = _TAKEN.search(error)
    if match is None:
        return error
    return f"already on {match[2] or match[1] or 'this machine'}; rename it"
