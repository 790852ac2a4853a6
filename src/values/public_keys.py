# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Public keys (X25519) of others: a check of their form, without the cipher's library."""

from __future__ import annotations

import base64

_BYTES = 32
_PRIME = 2**255 - 19
_LOW_ORDER = frozenset(
    [
        0,
        1,
        _PRIME - 1,
        325606250916557431795983626356110631294008115727848805560023387167927233504,
        39382357235489614581723060781553021112529911719440698176882885853963445705823,
    ]
)
"""Points with which every private key makes the same secret (RFC 7748, section 6.1)."""


def is_key(text: str) -> bool:
    """Whether this is a public key in base64 that can be sealed to."""
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        return False
    # The highest bit does not count, and the rest is a number modulo the prime.
    point = (int.from_bytes(data, "little") & (2**255 - 1)) % _PRIME
    return len(data) == _BYTES and point not in _LOW_ORDER
