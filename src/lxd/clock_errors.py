# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Certificates that are not valid yet because the machines' clocks differ.

LXD makes its certificate when it starts for the first time. By that machine's clock it is valid
from that second on in 5.0, and from a minute before from 5.21 on (by source).
"""

from __future__ import annotations

import re

_OF_JOINER = re.compile(r"provided certificate is(n't| not) valid yet")
"""A member's refusal of a server whose clock was ahead when it made its certificate."""
_OF_CLUSTER = re.compile(r"certificate has expired or is not yet valid: current time \S+ is before")
"""The refusal of the cluster's certificate by a server whose clock is behind."""


def with_cure(error: str) -> str:
    """The error, with what to do if a clock is the cause."""
    early = made_too_early(error) or _OF_CLUSTER.search(error)
    return f"{error}: clocks differ, see timedatectl" if early else error


def made_too_early(error: str) -> bool:
    """Whether a server was refused for its own certificate: a right clock does not repair that."""
    return _OF_JOINER.search(error) is not None
