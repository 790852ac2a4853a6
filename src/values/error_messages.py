# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Shortens a long message for a status: its object and the end of the error stay.

LXD's errors are chains such as `Failed joining: Failed adding the certificate: connection refused`.
The cause is at the end.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from values.printable import escaped

_MARK = "..."
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')


def links(message: str) -> tuple[str, ...]:
    """The links of a chain. A colon within double quotes does not separate links."""
    quoted = [match.span() for match in _QUOTED.finditer(message)]
    cuts = [
        at
        for at in (match.start() for match in re.finditer(": ", message))
        if not any(start < at < end for start, end in quoted)
    ]
    starts = [0, *(at + 2 for at in cuts)]
    ends = [*cuts, len(message)]
    return tuple(message[start:end] for start, end in zip(starts, ends, strict=True))


def begin(text: str, room: int) -> str:
    """The beginning of a text with its important part first, in at most `room` characters."""
    return text if len(text) <= room else text[: room - len(_MARK)].rstrip() + _MARK


def fit(message: str, limit: int) -> str:
    """The message in one line of at most `limit` characters, with its first and its last links.

    The kept first links are at most three fifths of it: the cause comes last.
    """
    line = escaped(" ".join(message.split()))
    if len(line) <= limit:
        return line
    chain = links(line)
    if len(chain) == 1:
        return begin(line, limit)
    head, *rest = chain
    while len(rest) > 1 and len(f"{head}: {rest[0]}") <= limit * 3 // 5:
        head = f"{head}: {rest.pop(0)}"
    cause = rest[-1]
    if len(head) + 2 + len(cause) > limit:
        head = begin(head, max(limit - len(cause) - 2, limit // 2))
    return f"{head}: {_end(rest, limit - len(head) - 2)}"


def end(message: str, room: int) -> str:
    """The end of a chain, with the cause, in one line of at most `room` characters."""
    return _end(links(escaped(" ".join(message.split()))), room)


def _end(chain: Sequence[str], room: int) -> str:
    """As many of the last links as possible; at least the end of the last one."""
    for first in range(len(chain)):
        if len(text := ": ".join(chain[first:])) <= room:
            return text
    # LXD quotes the output of programs, which may be a chain itself.
    last = chain[-1].rstrip('")')
    parts = last.split(": ")
    for first in range(1, len(parts)):
        if len(text := ": ".join(parts[first:])) <= room:
            return text.lstrip('("')
    return _MARK + last[-(room - len(_MARK)) :].lstrip()
