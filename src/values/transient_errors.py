# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Requests that LXD refuses only for the moment: the same request succeeds later, without help."""

from __future__ import annotations

import re

_PASSING = (
    # LXD's database changes one of its members at a time, for example by a promotion.
    re.compile(r"a configuration change is already in progress"),
    # Another operation starts, stops, copies, moves or deletes the instance now. LXD 5.0 has no
    # quotes.
    re.compile(r'Instance is busy running an? "?[a-z-]+"? operation', re.IGNORECASE),
    # LXD has no stream of events from that member yet: its daemon has started a moment ago.
    re.compile(r"Missing event connection with target cluster member"),
    # Another member's daemon restarts, or the network between them has failed for a moment.
    re.compile(
        r":8443\b.*(?:connection (?:refused|reset by peer|timed out)|i/o timeout|no route|EOF)"
    ),
    # LXD 6.x evacuates one member at a time.
    re.compile(r"while another cluster member evacuation is in progress"),
)


def passes(refusal: str) -> bool:
    """Whether a request that LXD refused with this message may be tried again later."""
    return any(pattern.search(refusal) for pattern in _PASSING)
