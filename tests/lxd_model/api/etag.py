# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""ETags, and If-Match."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

from tests.lxd_model.refusal import Refusal

if TYPE_CHECKING:
    from tests.lxd_model.api.call import Call

_HINT = (
    "The configuration has been modified since this change began. Please retrieve the updated"
    " configuration before proceeding."
)
_CHANGED = (
    "ETag doesn't match: {} vs {}",
    f"ETag doesn't match: {{}} vs {{}}. {_HINT}",
    f"ETag does not match: {{}} vs {{}}. {_HINT}",
)


def etag(*values: Any) -> str:
    """The same for the same values. Mappings count by their contents, not their order."""
    text = repr([_plain(value) for value in values])
    return f'"{zlib.crc32(text.encode()):08x}"'


def _plain(value: Any) -> Any:
    return sorted(value.items()) if isinstance(value, dict) else value  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType, reportUnknownVariableType]


def check(call: Call, current: str) -> None:
    """Refuses a change if the object has changed since it was read.

    LXD writes in another transaction after that, so somebody else may write in between.
    """
    if not call.match:
        return
    found, asked = current.strip('"'), call.match.strip('"')
    if found != asked:
        generation = call.server.generation
        text = _CHANGED[generation.modern + generation.newest].format(asked, found)
        raise Refusal(text, 412)
    call.server.cloud.pause(0.0, "between the check and the write")
