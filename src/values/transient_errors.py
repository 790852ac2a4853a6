"""What LXD refuses for the moment only: the same request succeeds later, without anybody's help."""

from __future__ import annotations

import re

_PASSING = (
    # LXD's database changes one of its members, such as by a promotion, at a time.
    re.compile(r"a configuration change is already in progress"),
    # Somebody starts, stops, copies, moves or deletes the instance now. LXD 5.0 has no quotes.
    re.compile(r'Instance is busy running an? "?[a-z-]+"? operation', re.IGNORECASE),
    # LXD 6.x evacuates one member at a time.
    re.compile(r"while another cluster member evacuation is in progress"),
)


def passes(refusal: str) -> bool:
    """Whether what LXD refused with these words may be tried again later."""
    return any(pattern.search(refusal) for pattern in _PASSING)
