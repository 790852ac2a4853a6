"""ETags, and If-Match."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

from tests.lxd_model.refusal import Refusal

if TYPE_CHECKING:
    from tests.lxd_model.api.call import Call

_CHANGED = (
    "ETag doesn't match: {} vs {}",
    "ETag doesn't match: {} vs {}. The configuration has been modified since this change began."
    " Please retrieve the updated configuration before proceeding.",
    "ETag does not match: {} vs {}. The configuration has been modified since this change began."
    " Please retrieve the updated configuration before proceeding.",
)


def etag(*values: Any) -> str:
    """The same for the same values. Mappings count by their contents, not their order."""
    plain = [sorted(v.items()) if isinstance(v, dict) else v for v in values]
    return f'"{zlib.crc32(repr(plain).encode()):08x}"'


def check(call: Call, current: str) -> None:
    """Refuses a change of what is not any more as it was when it was read.

    LXD writes in a transaction of its own after that: somebody else may write in between.
    """
    if not call.match:
        return
    found, asked = current.strip('"'), call.match.strip('"')
    if found != asked:
        generation = call.server.generation
        text = _CHANGED[generation.modern + generation.newest].format(asked, found)
        raise Refusal(text, 412)
    call.server.cloud.pause(0.0, "between the check and the write")
